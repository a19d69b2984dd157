"""The spectrum of a set's directions, and the effective number of different images that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable

Floats = NDArray[np.float64]
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of the mean outer product of unit features, and how much of each belongs to each image.

    Args:
        values: (r,) positive, summing to 1.
        weights: (n, r) share of image i in direction k, times n: the squared projection of its unit features.
    """

    values: Floats
    weights: Floats

    def entropy(self, order: float) -> float:
        """Renyi entropy of the eigenvalues in nats; Shannon's for order 1."""
        if order == 1.0:
            return float(-(self.values * np.log(self.values)).sum())
        return float(np.log((self.values**order).sum()) / (1.0 - order))

    def influence(self, order: float) -> Floats:
        """(n,) first-order effect of each image on the entropy: with images left out, the entropy changes by about
        the change of the mean of these."""
        if order == 1.0:
            return np.asarray(-(self.weights @ np.log(self.values)))
        powers = order * self.values ** (order - 1.0) / (self.values**order).sum()
        return np.asarray(self.weights @ powers / (1.0 - order))


def unit(features: Floats) -> Floats:
    """(n, d) rows of length 1.

    Raises:
        NotComputable: where a row is all zero, which has no direction.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if (lengths == 0.0).any():
        raise NotComputable(
            f"{int((lengths == 0.0).sum())} images have features of nothing but zeros, which have no direction;"
            " nothing was computed; remove these images or choose another extractor."
        )
    return features / lengths


def spectrum(features: Floats) -> Spectrum:
    """Spectrum of (n, d) features with cosine similarity, by the smaller of the d x d and the n x n matrix."""
    rows = unit(features)
    n, d = rows.shape
    if d <= n:
        values, vectors = np.linalg.eigh(rows.T @ rows / n)
        kept = values > _TINY
        return Spectrum(values[kept], (rows @ vectors[:, kept]) ** 2)
    values, vectors = np.linalg.eigh(rows @ rows.T / n)
    kept = values > _TINY
    return Spectrum(values[kept], n * values[kept] * vectors[:, kept] ** 2)


def eigenvalues(features: Floats) -> Spectrum:
    """As `spectrum` without the images' shares, which is several times as fast: for draws without an interval."""
    rows = unit(features)
    product = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T
    values = np.asarray(np.linalg.eigvalsh(product / len(rows)), dtype=np.float64)
    return Spectrum(values[values > _TINY], np.empty((len(rows), 0)))
