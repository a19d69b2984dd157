"""Small pictures of unfinished samples, cheap enough to make at several steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL_DECODER = 20_000_000


def to_pixels(image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Values in 0..1 to uint8, clipped and rounded to the nearest grey level."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def latent_previews(pipeline: Any, latents: Any) -> NDArray[np.uint8] | None:
    """Previews of a batch of latents.

    Args:
        pipeline: the diffusers pipeline they belong to.
        latents: (n, c, h, w) predicted clean latents, or noisy ones from schedulers that give no other.

    Returns:
        (n, H, W) uint8: decoded where the autoencoder is small, else the first principal direction of the
        latents at their own size; None for latents that are not pictures.
    """
    if getattr(latents, "ndim", 0) != 4:
        return None
    vae = getattr(pipeline, "vae", None)
    if vae is not None and hasattr(vae.config, "scaling_factor") and _parameters(vae) <= SMALL_DECODER:
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        decoded = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor + shift, return_dict=False)[0]
        return to_pixels((decoded.float() / 2 + 0.5).mean(1).cpu().numpy())
    return _first_direction(latents.float().cpu().numpy())


def _parameters(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _first_direction(latents: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Project the channels on their first principal direction, the same for the whole batch."""
    n, c, h, w = latents.shape
    flat = latents.transpose(0, 2, 3, 1).reshape(-1, c)
    flat = flat - flat.mean(axis=0)
    _, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    direction = vectors[:, -1] * (1.0 if vectors[:, -1].sum() >= 0 else -1.0)
    grey = (flat @ direction).reshape(n, h, w)
    low, high = np.percentile(grey, [1, 99])
    return to_pixels((grey - low) / max(float(high - low), 1e-6))
