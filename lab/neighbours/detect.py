"""Both detectors on a block of queries: distances to the nearest film, and to every film that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.candidates import candidate_rows
from lab.neighbours.cosine import nearest_either_way
from lab.neighbours.reference import Queries, ReferenceSet
from lab.neighbours.search import Neighbours
from lab.neighbours.verdict import COSINE, REGISTERED


@dataclass(frozen=True)
class Detection:
    """What both detectors found for m queries.

    Args:
        by_features: the k nearest films by feature cosine; `flipped` (m, k) where the mirrored query was
            nearer.
        by_pixels: the k nearest films by registered correlation; `variants` (m, k) indexes
            `registered.variants()`.
    """

    by_features: Neighbours
    flipped: NDArray[np.bool_]
    by_pixels: Neighbours
    variants: NDArray[np.int64]

    def nearest(self) -> dict[str, NDArray[np.float64]]:
        """Distance (m,) to the nearest film by detector."""
        return {REGISTERED: self.by_pixels.distances[:, 0], COSINE: self.by_features.distances[:, 0]}


def detect(
    queries: Queries, reference: ReferenceSet, k: int = 1, query_groups: NDArray[Any] | None = None
) -> Detection:
    """Run both detectors.

    Args:
        k: films wanted of each detector.
        query_groups: (m,) patients of real queries, for real-to-real baselines only: their own films are
            left out. Nothing is ever left out of a sample's search.
    """
    by_features, flipped = nearest_either_way(reference.index, queries.features, k, query_groups)
    rows = candidate_rows(queries, reference, query_groups)
    distances = np.full((len(queries), k), np.inf)
    found = np.full((len(queries), k), -1, dtype=np.int64)
    variants = np.zeros((len(queries), k), dtype=np.int64)
    for start, stop, chosen in _blocks(len(queries), rows):
        near, variant = reference.registered.distances(queries.lowres[start:stop], chosen)
        names = np.arange(len(reference)) if chosen is None else chosen
        if query_groups is not None:
            near[reference.patients[names][None] == query_groups[start:stop, None]] = np.inf
        order = np.argsort(near, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(near, order, axis=1)
        width = kept.shape[1]
        distances[start:stop, :width] = kept
        found[start:stop, :width] = np.where(np.isfinite(kept), names[order], -1)
        variants[start:stop, :width] = np.take_along_axis(variant, order, axis=1)
    return Detection(by_features, flipped, Neighbours(distances, found), variants)


def _blocks(
    count: int, rows: list[NDArray[np.int64]] | None
) -> list[tuple[int, int, NDArray[np.int64] | None]]:
    if rows is None:
        return [(0, count, None)] if count else []
    return [(position, position + 1, chosen) for position, chosen in enumerate(rows)]
