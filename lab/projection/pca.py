"""Principal components: the linear map, with the share of variance it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.features.unit import unit
from lab.projection.projection import METHODS, Projection, checked

LEAST = 3


@METHODS.register("pca")
def fit_pca(matrix: NDArray[np.float32], seed: int, neighbours: int) -> Projection:
    """First two principal components of the unit features; `seed` and `neighbours` change nothing.

    The sign of a component is set so that its largest weight is positive.

    Raises:
        NotComputable: when fewer than 3 rows differ, or features are not finite.
    """
    wide = unit(checked(matrix, LEAST)).astype(np.float64)
    mean = wide.mean(axis=0)
    _, values, axes = np.linalg.svd(wide - mean, full_matrices=False)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    axes = axes * np.where(signs == 0, 1.0, signs)[:, None]
    if len(axes) < 2:
        axes = np.concatenate([axes, np.zeros((2 - len(axes), wide.shape[1]))])
    total = float((values**2).sum())
    shown = [float(value**2 / total) if total > 0 else 0.0 for value in values[:2]]

    def transform(new: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray((unit(new).astype(np.float64) - mean) @ axes.T, dtype=np.float32)

    settings = {"method": "pca", "features": "unit length", "variance": shown, "seed": seed}
    return Projection("pca", transform(matrix), settings, transform)
