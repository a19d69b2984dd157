"""How well an autoencoder gives films back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def psnr(wanted: NDArray[np.uint8], given: NDArray[np.uint8]) -> float:
    """Mean over (n, H, W) uint8 image pairs of the peak signal-to-noise ratio in dB."""
    error = ((wanted.astype(np.float64) - given) ** 2).mean(axis=(1, 2))
    return float(np.mean(10 * np.log10(255.0**2 / np.maximum(error, 1e-9))))


def fine_energy(wanted: NDArray[np.uint8], given: NDArray[np.uint8]) -> float:
    """Energy above a quarter of the sampling rate in `given` over that in `wanted`, both (n, H, W)."""
    return float(_fine(given) / max(_fine(wanted), 1e-12))


def _fine(images: NDArray[np.uint8]) -> float:
    # Windowed: without it the step from one edge of the film to the other counts as fine detail.
    _, height, width = images.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    pixels = images.astype(np.float64)
    spectrum = np.abs(np.fft.fft2((pixels - pixels.mean((1, 2), keepdims=True)) * window)) ** 2
    high = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]) > 0.25
    return float(spectrum[:, high].sum())
