"""How far two masks cover the same places: Dice (1945) of each structure, background left out.

Dice is twice the shared area over the sum of both: 1 for equal masks, 0 for masks that do not touch. Above 0.99 a
pair is flagged: two patients do not have the same anatomy to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAG_ABOVE = 0.99
# A mask with more different values than this is not a list of structures: what is not 0 is one structure.
MOST_LABELS = 32
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class MaskOverlap:
    """The overlap of two masks.

    Attributes:
        dice: mean over the structures that either mask has, 0..1; a structure that one of them lacks counts 0.
        by_label: Dice of each such structure by its label.
        mirrored: whether the first mask was mirrored left to right for it.
    """

    dice: float
    by_label: dict[int, float]
    mirrored: bool


def mask_overlap(one: NDArray[Any], two: NDArray[Any]) -> MaskOverlap | None:
    """The overlap of two masks, as is or mirrored, whichever is larger; None where both are empty.

    Args:
        one: (H, W) or (H, W, C), whole numbers, 0 for background.
        two: the same, of any size: it is read at the places of the first one's pixels, the nearest each.
    """
    first, second = _labels(one), _labels(two)
    if max(len(np.unique(first)), len(np.unique(second))) > MOST_LABELS + 1:
        first, second = (first != 0).astype(np.int64), (second != 0).astype(np.int64)
    second = _at_places(second, first.shape)
    if not first.any() and not second.any():
        return None
    ways = [_overlap(first, second, False), _overlap(first[:, ::-1], second, True)]
    return max(ways, key=lambda way: way.dice)


def _overlap(first: Labels, second: Labels, mirrored: bool) -> MaskOverlap:
    sizes = [np.bincount(part.ravel(), minlength=2) for part in (first, second, first[first == second])]
    length = max(map(len, sizes))
    a, b, shared = (np.pad(size, (0, length - len(size))) for size in sizes)
    there = [label for label in range(1, length) if a[label] + b[label]]
    found = {label: float(2.0 * shared[label] / (a[label] + b[label])) for label in there}
    return MaskOverlap(float(np.mean(list(found.values()))), found, mirrored)


def _labels(mask: NDArray[Any]) -> Labels:
    """A mask as whole numbers (H, W); of a coloured one whatever is not black is label 1."""
    return np.asarray(mask if mask.ndim == 2 else mask.any(axis=2), dtype=np.int64)


def _at_places(labels: Labels, shape: tuple[int, ...]) -> Labels:
    rows, columns = (
        ((np.arange(wanted) + 0.5) * given / wanted).astype(np.int64)
        for wanted, given in zip(shape, labels.shape, strict=True)
    )
    return np.asarray(labels[np.ix_(rows, columns)])
