"""Neighbours in the original space, which a map can only hint at, and the points whose neighbours it tore apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.features.unit import unit
from lab.neighbours.search import ExactIndex

NEIGHBOURS = 15
# A point is torn when half of its true neighbours lie at least this far, in typical distances between any two images.
TORN = 0.5
PAIRS = 1000


def true_neighbours(
    train: NDArray[Any], queries: NDArray[Any] | None = None, k: int = NEIGHBOURS
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest training images in feature space, by cosine distance, ascending.

    Args:
        train: (n, d) features.
        queries: (m, d) features; None asks for the training images themselves, each without itself.

    Returns:
        Rows of `train` (m, j) int32 and distances (m, j) float32, j = k or as many as there are.
    """
    index = ExactIndex(unit(train))
    if queries is not None:
        found = index.search(unit(queries), max(1, min(k, len(train))))
        return found.rows.astype(np.int32), found.distances.astype(np.float32)
    wanted = min(k, len(train) - 1)
    if wanted < 1:
        return np.empty((len(train), 0), np.int32), np.empty((len(train), 0), np.float32)
    found = index.search(index.reference, wanted + 1)
    return without_self(found.rows, found.distances)


def without_self(
    rows: NDArray[Any], distances: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Neighbours (n, k + 1) of a set in itself, without each row's own: (n, k); repeats of it stay."""
    own = rows == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True  # more repeats than neighbours: the farthest goes
    shape = (len(rows), rows.shape[1] - 1)
    return rows[~own].reshape(shape).astype(np.int32), distances[~own].reshape(shape).astype(np.float32)


def kept_share(rows: NDArray[np.int32], coordinates: NDArray[Any]) -> NDArray[np.float64]:
    """Share (n,) of each training image's true neighbours (n, k) that are among its k nearest on the map (n, 2)."""
    from scipy.spatial import cKDTree

    k = rows.shape[1]
    if k == 0:
        return np.full(len(rows), np.nan)
    points = np.asarray(coordinates, dtype=np.float64)
    gaps, beside = cKDTree(points).query(points, k + 1)
    flat, _ = without_self(beside, gaps)
    return np.asarray((rows[:, :, None] == flat[:, None, :]).any(axis=2).mean(axis=1))


def stretch(points: NDArray[Any], coordinates: NDArray[Any], rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """How far the map draws each point from its true neighbours, in typical distances between two images.

    Args:
        points: (m, 2) places of the points.
        coordinates: (n, 2) places of the training images.
        rows: (m, k) true neighbours among the training images.

    Returns:
        (m,) median map distance to the true neighbours over the median map distance of two training images;
        0 where a map has no extent or a point no neighbours.
    """
    reference = np.asarray(coordinates, dtype=np.float64)
    if rows.size == 0 or len(reference) < 2:
        return np.zeros(len(points))
    some = reference[np.linspace(0, len(reference) - 1, min(PAIRS, len(reference))).astype(int)]
    typical = float(
        np.median(np.linalg.norm(some[:, None] - some[None], axis=2)[np.triu_indices(len(some), 1)])
    )
    own = np.asarray(points, dtype=np.float64)[:, None]
    far = np.median(np.linalg.norm(reference[rows] - own, axis=2), axis=1)
    return np.asarray(far / typical) if typical > 0 else np.zeros(len(points))


def centroid(matrix: NDArray[Any]) -> NDArray[np.float32]:
    """Mean (d,) of the unit features (n, d)."""
    return np.asarray(unit(matrix).mean(axis=0), dtype=np.float32)


def centroid_distances(centroids: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Euclidean distances (l, l) between centroids, in feature space: never between places on a map."""
    stacked = np.stack([np.asarray(value, dtype=np.float64) for value in centroids.values()])
    return np.asarray(np.linalg.norm(stacked[:, None] - stacked[None], axis=2))
