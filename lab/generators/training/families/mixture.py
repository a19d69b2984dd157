"""A mixture of Gaussians fitted to latents: what is drawn from it lies where the decoder has been."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-3


def fitted(latents: NDArray[np.float32], parts: int, seed: int) -> dict[str, Any]:
    """Shares (k,), means (k, d) and lower triangular factors (k, d, d) of the covariances, as float32 tensors.

    Args:
        latents: (n, d); with fewer than 4 d rows a part, one Gaussian is fitted and repeated.
        parts: Gaussians.
        seed: of the start.
    """
    import torch

    n, d = latents.shape
    if parts == 1 or n < 4 * d * parts:
        shares, means, covariances = _one(latents.astype(np.float64), parts)
    else:
        from sklearn.mixture import GaussianMixture

        model = GaussianMixture(parts, reg_covar=FLOOR, random_state=seed, max_iter=200)
        model.fit(latents.astype(np.float64))
        shares, means, covariances = model.weights_, model.means_, model.covariances_
    found = {"shares": shares, "means": means, "factors": np.linalg.cholesky(covariances)}
    return {name: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for name, v in found.items()}


def _one(latents: NDArray[np.float64], parts: int) -> tuple[Any, Any, Any]:
    n, d = latents.shape
    mean = latents.mean(axis=0) if n else np.zeros(d)
    covariance = np.cov(latents, rowvar=False).reshape(d, d) if n > 1 else np.eye(d)
    covariance = covariance + FLOOR * np.eye(d)
    return np.full(parts, 1 / parts), np.tile(mean, (parts, 1)), np.tile(covariance, (parts, 1, 1))
