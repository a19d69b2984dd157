"""The same comparison in another feature space: other embeddings, other depths, or the pixels themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.pictures import Image, Pictures

Floats32 = NDArray[np.float32]


def in_space(comparison: Comparison, space: Space) -> Comparison:
    """The sides of a comparison with the features of `space`; patients, seed and the caller's rows stay."""
    given = comparison.given
    if space.held_out is None and given.held_out is not None:
        given = given.take(np.arange(given.n_real), np.arange(given.n_synthetic), None, given.group)
    there = replace(given, real=space.real, synthetic=space.synthetic, held_out=space.held_out)
    return Comparison(there, comparison.seed)


def pixel_space(given: MetricInput, side: int) -> Space:
    """Grey thumbnails of all images as feature vectors in 0..1.

    Args:
        side: pixels; each image becomes side x side values, float32.

    Raises:
        NotComputable: where pixels were not given, or an image cannot be had.
    """
    if given.real_pictures is None or given.synthetic_pictures is None:
        raise NotComputable(
            "This metric compares pixels, and the images are not at hand; give both sets' images."
        )
    held_out = None if given.held_out_pictures is None else thumbnails(given.held_out_pictures, side)
    return Space(thumbnails(given.real_pictures, side), thumbnails(given.synthetic_pictures, side), held_out)


def thumbnails(pictures: Pictures, side: int) -> Floats32:
    """(n, side * side) float32 grey levels in 0..1, one image in memory at a time; 16 bits over their own range."""
    from lab.data.pixels import resize, to_grey8

    rows = np.empty((len(pictures), side * side), dtype=np.float32)
    for row, picture in enumerate(pictures):
        if picture is None:
            raise NotComputable(
                "An image of the set cannot be read; nothing was computed; look at the set first."
            )
        small = resize(to_grey8(_full_range(picture)), side, "box")
        rows[row] = np.asarray(small, dtype=np.float32).ravel() / 255.0
    return rows


def _full_range(picture: Image) -> Image:
    """16 bits stretched from their own minimum to their own maximum: films often use a small part of the range."""
    if picture.dtype == np.uint8:
        return picture
    low, high = float(picture.min()), float(picture.max())
    return np.asarray(np.rint((picture - low) * (65535.0 / max(high - low, 1.0))), dtype=np.uint16)
