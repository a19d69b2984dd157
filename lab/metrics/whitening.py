"""ZCA whitening fitted on training images, as cosines see it: a rotation changes no cosine, so none is applied back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.metrics.correlations import unit_rows

Floats = NDArray[np.float64]
EPSILON = 1e-6


@dataclass(frozen=True, eq=False)
class Whitening:
    """A shift and a linear map.

    Args:
        centre: (d,) mean of the training images.
        axes: (d, k) principal directions, each divided by sqrt(variance + epsilon).
        whole: whether all directions that the features have are kept.
    """

    centre: Floats
    axes: Floats
    whole: bool

    def directions(self, features: Floats) -> Floats:
        """(n, k) whitened rows of length 1."""
        return unit_rows((features - self.centre) @ self.axes)


def fit_whitening(train: Floats, epsilon: float = EPSILON) -> Whitening:
    """Whitening of training features (n, d).

    With fewer than two images a feature the smallest variances are noise, and dividing by them would drown a copy in
    it: then only the n / 4 leading directions are kept.
    """
    count, width = train.shape
    centre = train.mean(axis=0)
    centred = train - centre
    values, vectors = np.linalg.eigh(centred.T @ centred / max(count - 1, 1))
    whole = count >= 2 * width
    kept = width if whole else max(1, min(width, count // 4))
    leading = np.argsort(values)[::-1][:kept]
    scale = np.sqrt(np.maximum(values[leading], 0.0) + epsilon)
    return Whitening(centre, np.asarray(vectors[:, leading] / scale), whole)
