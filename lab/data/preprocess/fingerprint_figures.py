"""Traces of JPEG and of resampling in one picture: nine numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BANDS = tuple(float(edge) for edge in np.linspace(0.1, 0.5, 9))
CORNER = 0.55
"""Cycles per pixel; above a half lie only the corners of the spectrum, which kernels treat most differently."""
_BLOCK = 8
LARGEST = 1024


def fingerprint(image: NDArray[Any]) -> Floats:
    """Blocking and fall-off of one picture.

    Args:
        image: (H, W) or (H, W, 3), any real type, at least 32 px a side; of sides above 1024 px the middle is read.

    Returns:
        (9,) float64: `blocking`, then log10 power of each of eight bands from 0.1 to 0.5 cycles per pixel and of
        the corners, each less the band below (so eight differences).
    """
    grey = _middle(image).astype(np.float64)
    if grey.ndim == 3:
        grey = grey @ np.array([0.299, 0.587, 0.114])
    spread = float(grey.std())
    # In units of an 8-bit picture's usual contrast, so that the small constants below mean the same for any dtype.
    grey = (grey - grey.mean()) / spread * 50 if spread > 0 else grey * 0
    return np.concatenate([[blocking(grey)], np.diff(_bands(grey))])


def blocking(grey: Floats) -> float:
    """Log of the mean jump at multiples of 8 pixels over the mean jump inside the squares; 0 without JPEG.

    A jump is how far a step between two pixels exceeds the mean of the steps on either side of it.
    """
    scores = []
    for plane in (grey, grey.T):
        step = np.diff(plane, axis=1)
        jump = np.abs(step[:, 1:-1] - 0.5 * (step[:, :-2] + step[:, 2:]))
        place = (np.arange(jump.shape[1]) + 2) % _BLOCK
        logs = [np.log(float(jump[:, place == offset].mean()) + 1e-3) for offset in range(_BLOCK)]
        scores.append(logs[0] - float(np.mean(logs[2:7])))
    return float(np.mean(scores))


def _bands(grey: Floats) -> Floats:
    """log10 of the mean power in eight rings and in the corners; windowed, so that borders make no lines."""
    height, width = grey.shape
    power = np.abs(np.fft.rfft2(grey * np.outer(np.hanning(height), np.hanning(width)))) ** 2 / (
        height * width
    )
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    rings = [float(power[(radius >= low) & (radius < high)].mean()) for low, high in pairwise(BANDS)]
    return np.log10(np.array([*rings, float(power[radius > CORNER].mean())]) + 1e-6)


def _middle(image: NDArray[Any]) -> NDArray[Any]:
    """At most 1024 px a side out of the middle, cut at multiples of 8 so that JPEG's squares keep their place."""
    top, left = (max(0, side - LARGEST) // 2 // _BLOCK * _BLOCK for side in image.shape[:2])
    return image[top : top + LARGEST, left : left + LARGEST]
