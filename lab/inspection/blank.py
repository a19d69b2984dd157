"""Samples that show nothing: one tone, a frame around one tone, or noise alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.inspection.planes import Floats, grey, interior

# Measured on 1,668 films of seven sets (radiographs, dermoscopy, cardiac MRI; 28 to 256 pixels): the smallest range
# of grey levels is 40, two tones hold at most 78 % of the pixels, neighbours correlate at 0.76 or more.
FLAT_RANGE = 8.0
TWO_TONES = 0.98
NOISE_CORRELATION = 0.3
_TONES = 8


def blank_reason(image: NDArray[Any]) -> str:
    """Why a sample counts as blank, in a few words; "" when it shows something.

    Args:
        image: (H, W) or (H, W, C) uint8 or uint16.
    """
    plane = grey(image)
    inner = interior(plane)
    low, high = np.percentile(inner, [0.5, 99.5])
    if high - low < FLAT_RANGE:
        return (
            "all black" if high < FLAT_RANGE else "all white" if low > 255 - FLAT_RANGE else "one flat tone"
        )
    if _share_of_two_tones(plane) >= TWO_TONES:
        return "two flat tones"
    if _neighbour_correlation(inner) < NOISE_CORRELATION:
        return "only noise"
    return ""


def _share_of_two_tones(plane: Floats) -> float:
    counts = np.bincount((plane.ravel() / _TONES).astype(np.int64), minlength=2)
    return float(np.sort(counts)[-2:].sum() / plane.size)


def _neighbour_correlation(plane: Floats) -> float:
    """Mean correlation of a pixel with the one beside and the one below it."""
    if min(plane.shape) < 2:
        return 1.0
    centred = plane - plane.mean()
    power = float((centred**2).mean())
    beside, below = (centred[:, 1:] * centred[:, :-1]).mean(), (centred[1:] * centred[:-1]).mean()
    return float(beside + below) / (2.0 * power) if power > 0 else 1.0
