"""What a map is, and the guards every method shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.registry import Registry


@dataclass(frozen=True)
class Projection:
    """Two coordinates for every reference image, and how they were made. Distances on it are no metric.

    Args:
        method: "umap", "pca" or "tsne".
        coordinates: (n, 2) float32, in the order of the reference.
        settings: everything the coordinates depend on besides the features, JSON-able; the seed is in it.
        transform: places new features (m, d) with the fitted model; None where the method has none. It
            lives in
            memory only: after a restart use `place.place`.
    """

    method: str
    coordinates: NDArray[np.float32]
    settings: Mapping[str, Any]
    transform: Callable[[NDArray[Any]], NDArray[np.float32]] | None = field(default=None, compare=False)


class Method(Protocol):
    """A way to fit a map."""

    def __call__(self, matrix: NDArray[np.float32], seed: int, neighbours: int) -> Projection:
        """Fit on features (n, d) of the training images."""
        ...


METHODS: Registry[Method] = Registry("map method")


def distinct_rows(matrix: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows without their repetitions: (u,) first positions, and (n,) which of them each row equals."""
    wide = np.ascontiguousarray(matrix)
    places: dict[bytes, int] = {}
    first: list[int] = []
    same = np.empty(len(wide), dtype=np.int64)
    for position, row in enumerate(wide):
        key = row.tobytes()
        if key not in places:
            places[key] = len(first)
            first.append(position)
        same[position] = places[key]
    return np.array(first, dtype=np.int64), same


def checked(matrix: NDArray[Any], least: int) -> NDArray[np.float32]:
    """The features as float32 (n, d).

    Raises:
        NotComputable: when fewer than `least` rows differ, or a value is not finite.
    """
    wide = np.asarray(matrix, dtype=np.float32)
    if wide.ndim != 2 or not np.isfinite(wide).all():
        raise NotComputable(
            "Some features are not finite numbers; no map was made; extract the features again."
        )
    different = len(distinct_rows(wide)[0])
    if different < least:
        raise NotComputable(
            f"A map needs {least} images with different features and this set has {different}; no map was made; "
            "add images."
        )
    return wide
