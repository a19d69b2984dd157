"""The average picture of a set and how many bytes it takes: the blurrier the average, the more varied the set."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.levels import at_size, colour, grey, levels
from lab.metrics.pictures import Image

Floats = NDArray[np.float64]
Sums = NDArray[np.int64]
FORMATS = ("png", "webp", "jpeg-2000")


def renormalised(sizes: Mapping[str, float]) -> dict[str, float]:
    """Variety of compared groups from the bytes of their average pictures: 1 - (size - least) / (most - least).

    Variety is relative: another group may change that of all, never the bytes. Where all sizes are equal, each gets 1.

    Args:
        sizes: bytes by group.
    """
    if not sizes:
        return {}
    least, most = min(sizes.values()), max(sizes.values())
    return {
        name: 1.0 if most == least else 1.0 - (size - least) / (most - least) for name, size in sizes.items()
    }


def eight_bit(image: Image, side: int, in_colour: bool) -> Sums:
    """A picture of any size squashed to (side, side[, 3]), whole grey levels 0..255, so that sums are exact."""
    values = levels(image)
    values = colour(values) if in_colour else grey(values)
    return np.rint(at_size(values, side, side) * 255.0).astype(np.int64)


def average(total: Sums, count: int) -> NDArray[np.uint8]:
    """The average as an 8-bit picture, rounded."""
    return np.asarray((2 * total + count) // (2 * count), dtype=np.uint8)


def file_sizes(picture: NDArray[np.uint8], formats: Iterable[str] = FORMATS) -> dict[str, int]:
    """Bytes of a picture in lossless formats; the pixels come back unchanged from each.

    Args:
        picture: (H, W) or (H, W, 3) uint8.
        formats: "png", "webp", "jpeg-2000" (lossless JPEG as ISO 15444 has it; Pillow writes no lossless ISO 10918).
    """
    from PIL import Image as Picture

    ways: dict[str, dict[str, Any]] = {
        "png": {"format": "PNG", "optimize": True},
        "webp": {"format": "WEBP", "lossless": True, "quality": 100, "method": 4},
        "jpeg-2000": {"format": "JPEG2000", "irreversible": False},
    }
    sizes = {}
    for name in formats:
        stream = io.BytesIO()
        Picture.fromarray(np.ascontiguousarray(picture)).save(stream, **ways[name])
        sizes[name] = stream.tell()
    return sizes
