"""Similarity of two pictures: peak signal-to-noise ratio, structural similarity, multi-scale structural similarity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable

Floats = NDArray[np.float64]
TAPS, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MOST_DECIBELS = 100.0


def psnr(first: Floats, second: Floats) -> float:
    """10 log10(1 / mean squared difference) in decibels, for pictures in 0..1 of one shape.

    Equal pictures, whose value has no end, count as 100 dB. As torchmetrics and scikit-image to 1e-9 relative.
    """
    error = float(np.mean((first - second) ** 2))
    return MOST_DECIBELS if error <= 10.0 ** (-MOST_DECIBELS / 10.0) else -10.0 * float(np.log10(error))


def ssim(first: Floats, second: Floats, reflected: bool = False) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, K 0.01 and 0.03.

    Args:
        first, second: (H, W) or (H, W, 3) in 0..1, one shape; the mean over channels is given.
        reflected: mirror the borders, as torchmetrics does; by default only whole windows count. As piq and
            scikit-image to 1e-6; with `reflected` as torchmetrics to 1e-6.

    Returns:
        -1 to 1; 1 for equal pictures.

    Raises:
        NotComputable: for pictures below 11 pixels.
    """
    if min(first.shape[:2]) < TAPS:
        raise NotComputable(
            "Structural similarity needs pictures of 11 pixels a side or more; use larger ones."
        )
    return float(_terms(first, second, reflected)[0].mean())


def scales_allowed(side: int) -> int:
    """Scales of the multi-scale similarity on pictures of that shorter side: five from 176 pixels on.

    The picture of the coarsest scale must hold one window of 11 pixels.
    """
    return max(0, min(len(BETAS), int(np.floor(np.log2(side / TAPS))) + 1)) if side > 0 else 0


def ms_ssim(first: Floats, second: Floats, scales: int | None = None) -> float:
    """Multi-scale structural similarity (Wang et al. 2003): contrast at each scale, luminance at the last.

    Small pictures take fewer scales, with the published exponents divided by their sum, so that equal pictures
    still give 1 and values of different sizes stay comparable. Negative contrast counts as 0.

    Args:
        first, second: (H, W) or (H, W, 3) in 0..1, one shape.
        scales: 1 to 5; by default as many as `scales_allowed` says.

    Returns:
        0 to 1. With five scales as piq to 1e-6.

    Raises:
        NotComputable: for pictures below 11 pixels.
    """
    count = scales_allowed(min(first.shape[:2])) if scales is None else scales
    if count < 1:
        raise NotComputable(
            "Multi-scale similarity needs pictures of 11 pixels a side or more; use larger ones."
        )
    total = 1.0 if count == len(BETAS) else sum(BETAS[:count])
    return _weighed(first, second, tuple(beta / total for beta in BETAS[:count]), False)


def ms_ssim_published(first: Floats, second: Floats) -> float | None:
    """The value of torchmetrics: borders of the last scale mirrored; four raw exponents below 177 pixels (SynCMRI).

    None where torchmetrics refuses the size: 90 pixels and fewer.
    """
    side = min(first.shape[:2])
    if side // 9 <= TAPS - 1:
        return None
    betas = BETAS if side // 16 > TAPS - 1 else BETAS[:4]
    return _weighed(first, second, betas, True)


def _weighed(first: Floats, second: Floats, betas: Sequence[float], reflected: bool) -> float:
    value = 1.0
    for scale, beta in enumerate(betas):
        last = scale == len(betas) - 1
        similarity, contrast = _terms(first, second, reflected and last)
        value *= max(float((similarity if last else contrast).mean()), 0.0) ** beta
        if not last:
            first, second = _halved(first), _halved(second)
    return value


def _terms(first: Floats, second: Floats, reflected: bool) -> tuple[Floats, Floats]:
    """Maps of similarity and of contrast times structure, whole windows only unless `reflected`."""
    mean_a, mean_b = _smooth(first, reflected), _smooth(second, reflected)
    square_a, square_b = mean_a * mean_a, mean_b * mean_b
    spread = np.maximum(_smooth(first * first, reflected) - square_a, 0.0)
    spread += np.maximum(_smooth(second * second, reflected) - square_b, 0.0)
    product = mean_a * mean_b
    shared = _smooth(first * second, reflected) - product
    contrast = (2 * shared + K2**2) / (spread + K2**2)
    return (2 * product + K1**2) / (square_a + square_b + K1**2) * contrast, contrast


def _smooth(planes: Floats, reflected: bool) -> Floats:
    """Means over the Gaussian window, (H, W) or (H, W, 3)."""
    import cv2

    taps, edge = _window(), TAPS // 2
    means = np.asarray(
        cv2.sepFilter2D(planes, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101), dtype=np.float64
    )
    return means if reflected else means[edge:-edge, edge:-edge]


def _halved(planes: Floats) -> Floats:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = planes.shape[0] // 2 * 2, planes.shape[1] // 2 * 2
    even = planes[:height, :width]
    return np.ascontiguousarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4.0)


@lru_cache(maxsize=1)
def _window() -> Floats:
    offsets = np.arange(TAPS) - TAPS // 2
    taps = np.exp(-(offsets**2) / (2 * SIGMA**2))
    return np.asarray(taps / taps.sum())
