"""Small pictures of unfinished samples, cheap enough to make at several steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL_DECODER = 20_000_000
SHOWN_SIDE = 64
MAP = "latent_map"
_RIDGE = 1e-3


def to_pixels(image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Values in 0..1 to uint8, clipped and rounded to the nearest grey level."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def latent_previews(pipeline: Any, latents: Any) -> NDArray[np.uint8] | None:
    """Previews of a batch of latents.

    Args:
        pipeline: the diffusers pipeline they belong to.
        latents: (n, c, h, w) predicted clean latents, or noisy ones from schedulers that give no other; packed
            ones (n, patches, c) where the pipeline packs them.

    Returns:
        (n, H, W) uint8: a linear map of the latents to grey, at least 64 pixels where the image has them, learnt from
        one decoding where the autoencoder is small, else from the first finished images, and until then their first
        principal direction; the pixels themselves where there is no autoencoder. None for latents that are no pictures.
    """
    latents = unpacked(pipeline, latents)
    if getattr(latents, "ndim", 0) != 4:
        return None
    if _autoencoder(pipeline) is None:
        return to_pixels((latents.float() / 2 + 0.5).mean(1).cpu().numpy())
    if getattr(pipeline, MAP, None) is None:
        _learn_by_decoding(pipeline, latents)
    values = latents.float().cpu().numpy()
    weights = getattr(pipeline, MAP, None)
    if weights is None or len(weights) != values.shape[1] + 1:
        return _first_direction(values)
    grey = np.einsum("nchw,c->nhw", values, weights[:-1]) + weights[-1]
    return to_pixels(_enlarged(grey, int(getattr(pipeline, "vae_scale_factor", 1))))


def learn_map(pipeline: Any, latents: Any, images: NDArray[np.floating[Any]]) -> None:
    """Fit the linear map from latents to grey on finished images; kept with the pipeline, for its next previews.

    Args:
        pipeline: a diffusers pipeline with an autoencoder; decoding every preview would cost as much as the steps.
        latents: the last ones of the images, as `latent_previews` takes them.
        images: (n, H, W, channels) in 0..1, H and W whole multiples of the latents' sides.
    """
    latents = unpacked(pipeline, latents)
    vae = _autoencoder(pipeline)
    done = getattr(pipeline, MAP, None) is not None or vae is None
    if done or getattr(latents, "ndim", 0) != 4:
        return
    values = latents.float().cpu().numpy()
    n, channels, h, w = values.shape
    if images.shape[1] % h or images.shape[2] % w or len(images) != n:
        return
    grey = images.mean(axis=3).reshape(n, h, images.shape[1] // h, w, images.shape[2] // w).mean(axis=(2, 4))
    rows = np.c_[values.transpose(0, 2, 3, 1).reshape(-1, channels), np.ones(n * h * w)]
    gram = rows.T @ rows + _RIDGE * len(rows) * np.eye(channels + 1)
    setattr(pipeline, MAP, np.linalg.solve(gram, rows.T @ grey.reshape(-1)))


def _learn_by_decoding(pipeline: Any, latents: Any) -> None:
    """Fit the map on one decoding of latents (n, c, h, w), where the autoencoder is small enough for that."""
    vae = getattr(pipeline, "vae", None)
    if vae is None or not hasattr(vae.config, "scaling_factor") or _parameters(vae) > SMALL_DECODER:
        return
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    decoded = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor + shift, return_dict=False)[0]
    learn_map(pipeline, latents, (decoded.float() / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy())


def unpacked(pipeline: Any, latents: Any) -> Any:
    """Latents as pictures (n, c, h, w), also where the pipeline carries them as rows of 2x2 patches (FLUX)."""
    if getattr(latents, "ndim", 0) != 3 or not hasattr(pipeline, "_unpack_latents"):
        return latents
    side = round(latents.shape[1] ** 0.5) * 2 * pipeline.vae_scale_factor
    return pipeline._unpack_latents(latents, side, side, pipeline.vae_scale_factor)


def _enlarged(grey: NDArray[np.floating[Any]], scale: int) -> NDArray[np.floating[Any]]:
    """(n, h, w) values smoothly enlarged to 64 pixels or the image's own side, whichever is less."""
    import cv2

    side = min(SHOWN_SIDE, max(grey.shape[1:]) * scale)
    if side <= max(grey.shape[1:]):
        return grey
    size = tuple(round(length * side / max(grey.shape[1:])) for length in grey.shape[:0:-1])
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in grey])


def _autoencoder(pipeline: Any) -> Any:
    return getattr(pipeline, "vae", None) or getattr(pipeline, "vqvae", None)


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
