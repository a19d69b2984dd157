"""Detector (b), feature cosine: how near the sample or its mirror image lies in feature space."""

# No search of its own: two of `ExactIndex`, merged.
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.search import ExactIndex, Neighbours


def nearest_either_way(
    index: ExactIndex, features: NDArray[np.float32], k: int, query_groups: NDArray[Any] | None = None
) -> tuple[Neighbours, NDArray[np.bool_]]:
    """The `k` nearest rows of each query, as is or mirrored, whichever is nearer.

    Args:
        features: (2, m, d) unit rows: as is, mirrored.
        query_groups: (m,); the query's own group is left out. For real-to-real baselines only.

    Returns:
        The neighbours, each row once, and whether the mirrored query was the nearer one (m, k).
    """
    ways = [index.search(rows, k, query_groups) for rows in features]
    distances = np.concatenate([way.distances for way in ways], axis=1)
    rows = np.concatenate([way.rows for way in ways], axis=1)
    flipped = np.repeat([[False] * k + [True] * k], len(rows), axis=0)
    order = np.lexsort((flipped, rows, distances), axis=1)
    distances, rows, flipped = (
        np.take_along_axis(part, order, axis=1) for part in (distances, rows, flipped)
    )
    distances = np.where(_repeated(rows), np.inf, distances)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    distances, rows, flipped = (
        np.take_along_axis(part, order, axis=1) for part in (distances, rows, flipped)
    )
    return Neighbours(distances, np.where(np.isfinite(distances), rows, -1)), flipped


def _repeated(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entries (m, c) name a row that stands further left already."""
    order = np.argsort(rows, axis=1, kind="stable")
    ranked = np.take_along_axis(rows, order, axis=1)
    again = np.zeros(rows.shape, dtype=bool)
    again[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
    out = np.zeros(rows.shape, dtype=bool)
    np.put_along_axis(out, order, again, axis=1)
    return out
