"""Neighbouring grey tone difference: how far a pixel lies from the mean of its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_COARSE = 1e6


def tone_table(binned: IntArray) -> tuple[IntArray, Floats, Floats]:
    """Levels that occur, their shares of pixels, and their summed distance to the mean of up to eight neighbours."""
    padded = np.pad(binned.astype(np.float64), 1)
    inside = np.pad(np.ones(binned.shape), 1)
    total, around = _boxes(padded) - binned, _boxes(inside) - 1.0
    apart = np.abs(binned - total / np.maximum(around, 1.0))
    sums = np.asarray(np.bincount(binned.ravel(), weights=apart.ravel()), dtype=np.float64)
    count = np.bincount(binned.ravel())
    levels = np.flatnonzero(count)
    return levels, count[levels] / binned.size, sums[levels]


def tone_differences(binned: IntArray) -> dict[str, float]:
    """Five features; `binned` (H, W) has levels from 1 on."""
    levels, share, sums = tone_table(binned)
    i, weighed = levels.astype(np.float64), share * sums
    present, pixels = len(levels), binned.size
    coarse = float(weighed.sum())
    gap = i[:, None] - i[None, :]
    both = share[:, None] + share[None, :]
    spread = float((share[:, None] * share[None, :] * gap**2).sum())
    rough = float(np.abs((i * share)[:, None] - (i * share)[None, :]).sum())
    total = float(sums.sum())
    return {
        "coarseness": min(MOST_COARSE, 1.0 / coarse) if coarse > 0.0 else MOST_COARSE,
        "contrast": spread / (present * (present - 1)) * total / pixels if present > 1 else 0.0,
        "busyness": coarse / rough if rough > 0.0 else 0.0,
        "complexity": float((np.abs(gap) * (weighed[:, None] + weighed[None, :]) / both).sum()) / pixels,
        "strength": float((both * gap**2).sum()) / total if total > 0.0 else 0.0,
    }


def _boxes(padded: Floats) -> Floats:
    """Sums over 3 x 3 pixels of a picture with a border of one."""
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])
