"""Pictures as numbers: grey levels in 0..1, grey or colour, at another size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.pictures import Image

Floats = NDArray[np.float64]
_LUMA = np.array([0.299, 0.587, 0.114])


def levels(image: Image) -> Floats:
    """Grey levels in 0..1, float64, the shape kept; 8 bits over 255, 16 bits over 65,535."""
    return np.asarray(image, dtype=np.float64) / float(np.iinfo(image.dtype).max)


def stretched(image: Image, like: Image) -> Floats:
    """Grey levels on the scale of another picture: a 16-bit film uses a part of its range only.

    8 bits go over 255; 16 bits go linearly from the darkest to the brightest pixel of `like`, held in 0..1.
    """
    if like.dtype == np.uint8:
        return levels(image)
    low, high = float(like.min()), float(like.max())
    return np.clip((np.asarray(image, dtype=np.float64) - low) / max(high - low, 1.0), 0.0, 1.0)


def grey(values: Floats) -> Floats:
    """(H, W) of (H, W) or (H, W, 3): luma by Rec. 601."""
    return values if values.ndim == 2 else np.asarray(values @ _LUMA)


def colour(values: Floats) -> Floats:
    """(H, W, 3) of (H, W) or (H, W, 3): grey is repeated."""
    return values if values.ndim == 3 else np.repeat(values[:, :, None], 3, axis=2)


def at_size(values: Floats, height: int, width: int) -> Floats:
    """Resized with an anti-aliased triangle filter (Pillow's bilinear), channels kept; not cropped."""
    from PIL import Image as Picture

    if values.shape[:2] == (height, width):
        return values
    planes = values[:, :, None] if values.ndim == 2 else values
    done = [
        np.asarray(
            Picture.fromarray(planes[:, :, channel].astype(np.float32)).resize(
                (width, height), Picture.Resampling.BILINEAR
            ),
            dtype=np.float64,
        )
        for channel in range(planes.shape[2])
    ]
    return done[0] if values.ndim == 2 else np.stack(done, axis=2)
