"""How far to believe a map: trustworthiness (Venna and Kaski 2001) and neighbour preservation, with k and n."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.features.unit import unit
from lab.projection.neighbourhood import kept_share, true_neighbours

NEIGHBOURS = 15
LIMIT = 1000
BLOCK = 256


@dataclass(frozen=True)
class MapQuality:
    """Two numbers in 0..1, up is better, and what they were measured on.

    Args:
        trustworthiness: 1 when no image is shown beside one that is far from it in feature space.
        preservation: mean share of the k nearest images in feature space that are among the k nearest on
            the map.
        k: neighbours; lowered where the set is small.
        n: images of the map.
        measured: images the two numbers were averaged over; fewer than n in a large map.
    """

    trustworthiness: float
    preservation: float
    k: int
    n: int
    measured: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def quality(
    matrix: NDArray[Any], coordinates: NDArray[Any], k: int = NEIGHBOURS, limit: int = LIMIT, seed: int = 0
) -> MapQuality:
    """Measure a map; feature space by cosine distance, the map by Euclidean distance.

    Args:
        matrix: (n, d) features; coordinates: (n, 2), parallel.
        limit: images to average over; they are drawn by `seed` from a larger map, and compared with all of
            it.

    Raises:
        NotComputable: for fewer than 4 images.
    """
    n = len(matrix)
    if n < 4 or len(coordinates) != n:
        raise NotComputable(
            f"The quality of a map needs 4 images and it has {n}; it was not measured; add images."
        )
    k = min(k, (n - 1) // 2)
    rows = (
        np.arange(n) if n <= limit else np.sort(np.random.default_rng(seed).choice(n, limit, replace=False))
    )
    penalties, kept = _per_image(matrix, coordinates, rows, k)
    trust = 1.0 - 2.0 / (k * (2.0 * n - 3.0 * k - 1.0)) * float(penalties.mean())
    return MapQuality(trust, float(kept.mean()), k, n, len(rows))


def preserved(matrix: NDArray[Any], coordinates: NDArray[Any], k: int = NEIGHBOURS) -> NDArray[np.float64]:
    """Share (n,) of each image's k nearest images in feature space that are among its k nearest on the map.

    Low values mark the points whose neighbours the map has torn apart.
    """
    n = len(matrix)
    if n < 4 or len(coordinates) != n:
        raise NotComputable(
            f"The quality of a map needs 4 images and it has {n}; it was not measured; add images."
        )
    return kept_share(true_neighbours(matrix, k=min(k, (n - 1) // 2))[0], coordinates)


def _per_image(
    matrix: NDArray[Any], coordinates: NDArray[Any], rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each of `rows`: sum of (rank in feature space - k) over false neighbours on the map, and share kept."""
    features, points = unit(matrix), np.asarray(coordinates, dtype=np.float64)
    penalties, kept = np.empty(len(rows)), np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        far = 1.0 - (features[block] @ features.T).astype(np.float64)
        flat = ((points[block, None] - points[None]) ** 2).sum(axis=2)
        own = np.arange(len(block)), block
        far[own] = flat[own] = -1.0  # an image is its own first neighbour, whatever repeats it
        ranks = np.empty(far.shape, dtype=np.int64)
        np.put_along_axis(
            ranks, np.argsort(far, axis=1, kind="stable"), np.arange(far.shape[1])[None], axis=1
        )
        beside = np.argsort(flat, axis=1, kind="stable")[:, 1 : k + 1]
        found = np.take_along_axis(ranks, beside, axis=1)
        penalties[start : start + BLOCK] = np.maximum(found - k, 0).sum(axis=1)
        kept[start : start + BLOCK] = (found <= k).mean(axis=1)
    return penalties, kept
