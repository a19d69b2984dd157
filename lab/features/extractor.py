"""What a feature extractor is to the rest of the lab: an id, a digest, a dimension, and `embed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.errors import ImageError
from lab.provenance import digest_json


class FeatureKey(Protocol):
    """What the feature store needs to know of an extractor."""

    @property
    def id(self) -> str:
        """Its name in lists and on the command line."""

    @property
    def digest(self) -> str:
        """SHA-256 over weights, layer and preprocessing."""

    @property
    def dimension(self) -> int:
        """Numbers in one vector."""


class FeatureExtractor(FeatureKey, Protocol):
    """Turns images into vectors. `digest` covers weights, layer and preprocessing."""

    @property
    def input_size(self) -> int:
        """Side of the square it sees, in pixels."""

    @property
    def resampling(self) -> str:
        """How an image gets there, in words."""

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16."""


def as_rgb8(image: NDArray[Any]) -> NDArray[np.float32]:
    """Image as grey levels 0..255, shape (H, W, 3), float32; grey is repeated.

    Raises:
        ImageError: for another type or shape, or an empty image.
    """
    levels = _levels(image)
    return np.repeat(levels[:, :, None], 3, axis=2) if image.ndim == 2 else levels


def _levels(image: NDArray[Any]) -> NDArray[np.float32]:
    """Grey levels 0..255 in the image's own shape.

    Integers of 16 bits are stretched linearly from their own minimum and maximum, because a film of 12 bits
    in a 16-bit file would else be almost black; 8 bits are taken as they are.

    Raises:
        ImageError: for another type or shape, or an empty image.
    """
    grey_or_colour = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not grey_or_colour or image.size == 0 or image.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            "An image is not an 8- or 16-bit grey or RGB picture; its features were not computed; "
            "convert it and try again."
        )
    levels = image.astype(np.float32)
    if image.dtype == np.uint16:
        low, high = float(levels.min()), float(levels.max())
        levels = (levels - low) * (255.0 / max(high - low, 1.0))
    return levels


def as_grey8(image: NDArray[Any]) -> NDArray[np.float32]:
    """Image as grey levels 0..255, shape (H, W), float32; colour by its luma (Rec. 601)."""
    if image.ndim == 2:
        return _levels(image)
    return as_rgb8(image) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


class FlippedExtractor:
    """The same extractor on images mirrored left to right, under a digest of its own."""

    def __init__(self, base: FeatureExtractor) -> None:
        self._base = base
        self.id = f"{base.id}.flipped"
        self.digest = digest_json([base.digest, "flipped"])
        self.dimension = base.dimension
        self.input_size = base.input_size
        self.resampling = base.resampling

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) of the mirrored images."""
        return self._base.embed([np.ascontiguousarray(image[:, ::-1]) for image in images])
