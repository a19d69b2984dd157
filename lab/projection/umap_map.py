"""UMAP (McInnes et al. 2018, arXiv 1802.03426) over cosine distances, through umap-learn."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.features.unit import unit
from lab.neighbours.search import ExactIndex
from lab.projection.projection import METHODS, Projection, checked, distinct_rows

LEAST = 10
MIN_DISTANCE = 0.1
# numba's threading layer is not safe for two callers at once: a second fit or transform waits for the first.
ONE_AT_A_TIME = threading.Lock()


@METHODS.register("umap")
def fit_umap(matrix: NDArray[np.float32], seed: int, neighbours: int) -> Projection:
    """Fit UMAP on features (n, d); repeated rows share one point, so they cannot tear the graph apart.

    Raises:
        NotComputable: when fewer than 10 rows differ, or features are not finite.
    """
    wide = unit(checked(unit(checked(matrix, LEAST)), LEAST))
    first, same = distinct_rows(wide)
    used = min(neighbours, len(first) - 1)
    index = ExactIndex(np.ascontiguousarray(wide[first]))
    model = _fitted(_model(index, seed, used), index)
    points = np.asarray(model.embedding_, dtype=np.float32)
    settings = {
        "method": "umap",
        "metric": "cosine",
        "seed": seed,
        "neighbours": used,
        "min_distance": MIN_DISTANCE,
        "start": "pca",
        "points": len(first),
    }
    return Projection("umap", points[same], settings, _transform(model))


def revive(train: NDArray[Any], stored: Projection) -> Projection:
    """The stored map with a model again: its neighbour graph is built anew, its coordinates are kept as they are.

    New points are then transformed as by the model that was fitted.

    Args:
        train: (n, d) features the map was fitted on, in their order.
        stored: the map as `stored.read_map` gives it.
    """
    wide = unit(checked(unit(checked(train, LEAST)), LEAST))
    first, _ = distinct_rows(wide)
    index = ExactIndex(np.ascontiguousarray(wide[first]))
    model = _model(index, int(stored.settings["seed"]), int(stored.settings["neighbours"]))
    model.init, model.n_epochs = "random", 0
    model = _fitted(model, index)
    model.init, model.n_epochs = "pca", None
    model.embedding_ = np.ascontiguousarray(stored.coordinates[first], dtype=np.float32)
    return Projection("umap", stored.coordinates, stored.settings, _transform(model))


class _ExactSearch:
    """What umap-learn asks of its own approximate index, answered exactly, and for one image in a millisecond."""

    _angular_trees = True

    def __init__(self, index: ExactIndex) -> None:
        self._index = index

    def query(self, queries: NDArray[Any], k: int, epsilon: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rows and distances of the `k` nearest; `epsilon` is the slack of an approximate search."""
        found = self._index.search(np.asarray(queries, dtype=np.float32), k)
        return found.rows.astype(np.int32), found.distances.astype(np.float32)


def _fitted(model: Any, index: ExactIndex) -> Any:
    with ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        model.fit(index.reference)
    model._knn_search_index = _ExactSearch(index)
    return model


def _transform(model: Any) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    def transform(new: NDArray[Any]) -> NDArray[np.float32]:
        import numba

        with ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore", category=UserWarning)
            # A few samples are less work than waking a second thread, and waiting for it on a busy machine costs
            # a hundred times the work itself.
            threads = numba.get_num_threads()
            numba.set_num_threads(1)
            try:
                return np.asarray(model.transform(unit(new)), dtype=np.float32)
            finally:
                numba.set_num_threads(threads)

    return transform


def _model(index: ExactIndex, seed: int, neighbours: int) -> Any:
    import umap

    rows, distances = _ExactSearch(index).query(index.reference, neighbours, 0.0)
    return umap.UMAP(
        n_neighbors=neighbours,
        min_dist=MIN_DISTANCE,
        metric="cosine",
        init="pca",
        random_state=seed,
        n_jobs=1,
        precomputed_knn=(rows, distances, None),
    )
