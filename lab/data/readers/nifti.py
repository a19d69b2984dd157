"""The reader of NIfTI files: {"slice": z, "frame": t, "axis": 2}, with "labels" for masks, "transpose" to turn."""

from __future__ import annotations

from pathlib import Path

from lab.data.images import ImageLimits
from lab.data.nifti.picture import grey_slice, label_slice
from lab.data.readers.contract import Part, Reader, ReadImage, register


def read(path: Path, part: Part, limits: ImageLimits) -> ReadImage:
    """One slice: 16-bit grey over the percentiles 0.1 to 99.9 of the whole volume, or 8-bit labels as they are.

    Array order is kept: the file's first axis runs down the picture.

    Raises:
        ImageError: one sentence, without a word of the file's own.
    """
    if part.get("labels"):
        return ReadImage(label_slice(path, part, limits), "NIfTI")
    pixels, extra = grey_slice(path, part, limits)
    return ReadImage(pixels, "NIfTI", extra=extra)


READER = register(Reader("nifti", "NIfTI", read))
