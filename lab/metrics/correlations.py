"""Largest Pearson correlation of each feature vector with those of another set, in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.blocks import products

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


def correlation_rows(features: Floats) -> Floats:
    """Rows (n, d) shifted to mean 0 and scaled to length 1: their products are Pearson correlations.

    A constant row, which correlates with nothing, becomes zeros.
    """
    centred = features - features.mean(axis=1, keepdims=True)
    return unit_rows(centred)


def unit_rows(features: Floats) -> Floats:
    """Rows (n, d) scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 1e-12))


def highest(rows: Floats, others: Floats) -> tuple[Floats, IntArray]:
    """Largest product of each row with any of the others, and which one.

    Returns:
        (n,) float64 and (n,) row of `others`, the first of equal ones.
    """
    best, where = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    for start, product in products(rows, others):
        stop = start + len(product)
        where[start:stop] = product.argmax(axis=1)
        best[start:stop] = product[np.arange(len(product)), where[start:stop]]
    return best, where
