"""What can be read off a film with its lung mask: how power falls with frequency, and the proportions of the chest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BAND = (4, 40)


def spectrum_slope(image: NDArray[np.generic], band: tuple[int, int] = BAND) -> float:
    """The slope of log power on log frequency: -k for a film whose power falls as 1 / f^k.

    The film less its mean is tapered by a Hann window along both axes; power is averaged over rings of whole cycles
    per image; a line is fitted by least squares, every ring of the band counting alike.

    Args:
        image: (n, n), any real dtype.
        band: first and last ring, in cycles per image; by default 4 to 40, for 128 px 0.03 to 0.31 cycles a pixel:
            above the window's and the body's own shape, below where JPEG and scaling decide.
    """
    grey = image.astype(np.float64)
    size = len(grey)
    taper = np.hanning(size + 2)[1:-1]
    power = np.abs(np.fft.fft2((grey - grey.mean()) * taper[:, None] * taper[None, :])) ** 2
    step = np.fft.fftfreq(size, 1 / size)
    ring = np.rint(np.hypot(step[:, None], step[None, :])).astype(np.int64).ravel()
    mean = np.bincount(ring, weights=power.ravel()) / np.maximum(np.bincount(ring), 1)
    rings = np.arange(band[0], band[1] + 1)
    level = np.log10(np.maximum(mean[rings], 1e-12))
    return float(np.polyfit(np.log10(rings), level, 1)[0])


def lung_share(lungs: NDArray[np.bool_]) -> float:
    """Share of the film that is lung, 0 to 1."""
    return float(lungs.mean())


def gap_ratio(lungs: NDArray[np.bool_]) -> float | None:
    """Width of what lies between the lungs over the width of the chest, from a lung mask (h, w) alone.

    The lungs are the two largest connected parts (4-neighbours); the one whose mean column is smaller is the first.
    Chest: from the first lung's outermost column to the second's, over all rows. Gap: pixels between the first
    lung's last and the second's first column of one row; the widest row counts, of those from the middle of the
    lungs' height (halfway between their first and last row) down to the higher of the two lungs' floors, a floor
    being the last row of the lung in the middle column of its bounding box. Below it the diaphragm, not the heart,
    parts the lungs.

    This is the heart's share of the chest only for masks that leave the heart out. Masks drawn through the heart
    to the spine give the spine's and mediastinum's share.

    Returns:
        a share of the chest; None when there are no two lungs, or they share no such row.
    """
    pair = _two_lungs(lungs)
    if pair is None:
        return None
    first, second = pair
    chest = int(np.flatnonzero(second.any(0))[-1]) - int(np.flatnonzero(first.any(0))[0]) + 1
    rows = np.flatnonzero((first | second).any(1))
    gaps = []
    for row in range((int(rows[0]) + int(rows[-1])) // 2, min(_floor(first), _floor(second)) + 1):
        left, right = np.flatnonzero(first[row]), np.flatnonzero(second[row])
        if len(left) and len(right):
            gaps.append(int(right[0]) - int(left[-1]) - 1)
    return max(gaps) / chest if gaps and max(gaps) >= 0 else None


def _two_lungs(lungs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    from scipy import ndimage

    parts, count = ndimage.label(lungs)
    if count < 2:
        return None
    sizes = np.bincount(parts.ravel())[1:]
    largest = np.argsort(-sizes, kind="stable")[:2] + 1
    if sizes[largest[1] - 1] < 0.1 * sizes[largest[0] - 1]:
        return None
    sides = sorted((parts == part for part in largest), key=lambda side: float(np.nonzero(side)[1].mean()))
    return sides[0], sides[1]


def _floor(lung: NDArray[np.bool_]) -> int:
    columns = np.flatnonzero(lung.any(0))
    middle = lung[:, (int(columns[0]) + int(columns[-1])) // 2]
    rows = np.flatnonzero(middle)
    return int(rows[-1]) if len(rows) else -1
