"""Reader of images in an `.npz` file: part {"array": "train_images", "index": 7}, and for volumes {"slice": 14}.

Whole numbers of 8 and 16 bits are taken as they are: (H, W) grey, (H, W, 3) RGB; of a volume (D, H, W) one slice.
Floats are refused, for nothing says what their grey levels mean.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from lab.data.containers.npz_members import Npz
from lab.data.images import ImageLimits
from lab.data.readers.contract import Part, Reader, ReadImage, register
from lab.errors import ImageError


def read(path: Path, part: Part, limits: ImageLimits) -> ReadImage:
    """One image of an array.

    Raises:
        ImageError: when the file is damaged, holds objects, floats or no such image.
    """
    facts = path.stat()
    found = _opened(str(path), facts.st_size, facts.st_mtime_ns)
    array = found.row(str(part["array"]), int(part["index"]), 3 * limits.max_pixels)
    if "slice" in part:
        number = int(part["slice"])
        if array.ndim != 3 or not 0 <= number < array.shape[0]:
            raise ImageError("The npz file has no volume with that slice; it was left out.")
        array = array[number]
    grey = array.ndim == 2
    if (not grey and (array.ndim != 3 or array.shape[2] not in (1, 3))) or 0 in array.shape:
        raise ImageError("An array of the npz file holds no grey or RGB images; it was left out.")
    if array.dtype not in (np.uint8, np.uint16) or (array.dtype == np.uint16 and not grey):
        raise ImageError(
            "The npz file holds no 8-bit images or 16-bit grey ones; it was left out; convert it."
        )
    if array.shape[0] * array.shape[1] > limits.max_pixels:
        raise ImageError(f"The image is above the limit of {limits.max_pixels:,} pixels; it was left out.")
    return ReadImage(
        np.ascontiguousarray(array[..., 0] if not grey and array.shape[2] == 1 else array), "NumPy"
    )


@lru_cache(maxsize=1)
def _opened(path: str, size: int, modified: int) -> Npz:
    """The file that was read last stays open: its images come one after the other."""
    return Npz(Path(path))


register(Reader("npz", "NumPy npz", read))
