"""Fitting a map on the training images, by any method; only ever in a worker, never in the web process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import lab.projection.pca  # each registers its method
import lab.projection.tsne
import lab.projection.umap_map  # noqa: F401
from lab.projection.projection import METHODS, Projection

NEIGHBOURS = 15


def fit(
    matrix: NDArray[Any], seed: int = 0, method: str = "umap", neighbours: int = NEIGHBOURS
) -> Projection:
    """Fit a map on training features.

    Equal seeds give equal maps on one machine with equal versions; they do not across machines.

    Args:
        matrix: (n, d) features of training images only; held-out images and samples are placed afterwards.
        neighbours: neighbours UMAP looks at; lowered to n - 1 in a small set, and stated in the settings.

    Raises:
        NotFoundError: for another method.
        NotComputable: when too few rows differ, or features are not finite.
    """
    return METHODS.get(method)(np.asarray(matrix), seed, neighbours)
