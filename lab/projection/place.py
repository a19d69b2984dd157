"""Placing new points on a finished map: the weighted mean of their nearest reference points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError, NotComputable
from lab.features.unit import unit
from lab.neighbours.search import ExactIndex

NEIGHBOURS = 15
# Flatter weights pull a point that lies between two groups into the empty middle: measured on real films,
# trustworthiness of placed points 0.848 at 1, 0.864 at 4; UMAP's own transform reaches 0.882.
SHARPNESS = 4.0
SAME = 1e-9


def place(
    new: NDArray[Any],
    reference: NDArray[Any] | ExactIndex,
    coordinates: NDArray[Any],
    k: int = NEIGHBOURS,
) -> NDArray[np.float32]:
    """Coordinates (m, 2) of new features (m, d) on the map of `reference`.

    The weights fall from 1 at the nearest reference point to almost 0 at the k-th, by cosine distance; a
    point equal to a reference point gets its very place.

    Args:
        reference: (n, d) features the map was fitted on, or an index over them.
        coordinates: (n, 2) of the map.

    Raises:
        NotComputable: when the map is empty.
        InputError: when features and coordinates are not parallel.
    """
    index = reference if isinstance(reference, ExactIndex) else ExactIndex(unit(reference))
    points = np.asarray(coordinates, dtype=np.float64)
    if len(points) == 0:
        raise NotComputable("The map has no points; nothing was placed; fit the map first.")
    if len(points) != len(index.reference):
        raise InputError("The map is of another set of images; nothing was placed; fit the map again.")
    found = index.search(unit(new), min(k, len(points)))
    weights = _weights(found.distances)
    return np.asarray((points[found.rows] * weights[:, :, None]).sum(axis=1), dtype=np.float32)


def _weights(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (m, k) of sum 1 for ascending distances (m, k): exp(-4 excess / mean excess over the nearest)."""
    excess = distances - distances[:, :1]
    mean = np.maximum(excess.mean(axis=1, keepdims=True), 1e-12)
    weights = np.where(distances[:, :1] <= SAME, distances <= SAME, np.exp(-SHARPNESS * excess / mean))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
