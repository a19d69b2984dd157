"""Whether probabilities mean what they say: Brier score, expected calibration error and the curve behind both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10


def brier(probabilities: Floats, positive: NDArray[np.bool_]) -> float:
    """Mean squared gap between probability and truth (0 or 1), over all images and findings; 0 is perfect."""
    return float(np.mean((probabilities - positive) ** 2))


def calibration_error(probabilities: Floats, positive: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error: gap between probability and frequency in equal bins, weighted by their images."""
    told, seen, counts = binned(probabilities, positive, bins)
    return float(np.sum(counts * np.abs(told - seen)) / counts.sum())


def binned(
    probabilities: Floats, positive: NDArray[np.bool_], bins: int = BINS
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean probability, frequency and images of each bin that holds any, (b,) each."""
    flat, truth = probabilities.ravel(), positive.ravel().astype(np.float64)
    place = np.minimum((flat * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    held = counts > 0
    told = np.bincount(place, weights=flat, minlength=bins)[held] / counts[held]
    seen = np.bincount(place, weights=truth, minlength=bins)[held] / counts[held]
    return told, seen, counts[held]


def calibration_curve(probabilities: Floats, positive: NDArray[np.bool_]) -> dict[str, Any]:
    """The curve in the shape that the page draws."""
    told, seen, counts = binned(probabilities, positive)
    return {
        "x": [round(float(value), 4) for value in told],
        "y": [round(float(value), 4) for value in seen],
        "n": [int(count) for count in counts],
        "x_title": "Probability the probe gives",
        "y_title": "Share of real images that have the finding",
    }
