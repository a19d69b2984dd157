"""UMAP (McInnes et al. 2018, arXiv 1802.03426) over cosine distances, through umap-learn."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.search import unit
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
    wide = unit(checked(matrix, LEAST))
    first, same = distinct_rows(wide)
    wide = unit(checked(wide, LEAST))
    used = min(neighbours, len(first) - 1)
    model = _model(seed, used)
    with ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)
        points = np.asarray(model.fit_transform(wide[first]), dtype=np.float32)

    def transform(new: NDArray[Any]) -> NDArray[np.float32]:
        with ONE_AT_A_TIME:
            return np.asarray(model.transform(unit(new)), dtype=np.float32)

    settings = {
        "method": "umap",
        "metric": "cosine",
        "seed": seed,
        "neighbours": used,
        "min_distance": MIN_DISTANCE,
        "start": "pca",
        "points": len(first),
    }
    return Projection("umap", points[same], settings, transform)


def _model(seed: int, neighbours: int) -> Any:
    import umap

    return umap.UMAP(
        n_neighbors=neighbours,
        min_dist=MIN_DISTANCE,
        metric="cosine",
        init="pca",
        random_state=seed,
        n_jobs=1,
    )
