"""Moves of a whole picture: whatever happens to the image happens to its mask and overlays, nearest label kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data import pixels
from lab.data.preprocess.picture import Fact, Picture

Array = NDArray[Any]
RESAMPLING = ("box", "bilinear", "bicubic", "lanczos", "nearest")
FILLS = ("minimum", "edge", "zero")


def moved(
    picture: Picture,
    on_image: Callable[[Array], Array],
    on_labels: Callable[[Array], Array],
    spacing_mm: tuple[float, float] | None,
    **notes: Fact,
) -> Picture:
    """The picture after one move.

    Args:
        on_image: takes and gives the image's dtype.
        on_labels: the same move for uint8 label images: it makes no label that was not there.
        spacing_mm: of the result.
    """
    overlays = {name: on_labels(layer.astype(np.uint8)) > 0 for name, layer in picture.overlays.items()}
    return replace(
        picture,
        image=np.ascontiguousarray(on_image(picture.image)),
        mask=None if picture.mask is None else np.ascontiguousarray(on_labels(picture.mask)),
        spacing_mm=spacing_mm,
        overlays=overlays,
        notes={**picture.notes, **notes},
    )


def resample(array: Array, size: tuple[int, int], resampling: str) -> Array:
    """Resize with anti-aliasing (Pillow's kernels, widened when shrinking), dtype kept, also for float32.

    Float results are held inside the range of the input: bicubic and lanczos overshoot at edges.
    """
    if array.dtype != np.float32:
        return pixels.resize(array, size, resampling)
    from PIL import Image

    method = Image.Resampling[resampling.upper()]
    planes = array[..., None] if array.ndim == 2 else array
    done = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., c])).resize((size[1], size[0]), method))
        for c in range(planes.shape[2])
    ]
    stacked = np.clip(np.stack(done, axis=-1), array.min(), array.max()).astype(np.float32)
    return stacked[..., 0] if array.ndim == 2 else stacked


def resized(picture: Picture, size: tuple[int, int], resampling: str, **notes: Fact) -> Picture:
    """The picture at another size, its spacing changed to match."""
    height, width = picture.image.shape[:2]
    spacing = None
    if picture.spacing_mm is not None:
        spacing = (picture.spacing_mm[0] * height / size[0], picture.spacing_mm[1] * width / size[1])
    return moved(
        picture,
        lambda array: resample(array, size, resampling),
        lambda labels: pixels.resize(labels, size, "nearest"),
        spacing,
        **notes,
    )


def window(array: Array, top: int, left: int, size: tuple[int, int], fill: str) -> Array:
    """A window of an array that may reach over its borders.

    Args:
        array: (H, W) or (H, W, 3).
        top, left: first row and column, negative above and left of the array.
        size: rows and columns of the window.
        fill: what stands outside: "minimum" of the array, "edge" (nearest pixel), or "zero".
    """
    rows, columns = np.arange(top, top + size[0]), np.arange(left, left + size[1])
    height, width = array.shape[:2]
    cut = array[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    if fill == "edge":
        return cut
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    cut[~inside] = 0 if fill == "zero" else array.min()
    return cut


def windowed(
    picture: Picture, top: int, left: int, size: tuple[int, int], fill: str, **notes: Fact
) -> Picture:
    """A window of a whole picture; outside the picture there is no label."""
    return moved(
        picture,
        lambda array: window(array, top, left, size, fill),
        lambda labels: window(labels, top, left, size, "zero"),
        picture.spacing_mm,
        **notes,
    )
