"""Reader of PNG, JPEG and TIFF files; its behaviour for each kind stands in `lab.data.images`."""

from __future__ import annotations

import os
from pathlib import Path

from lab.data.images import ImageLimits, decode_stored
from lab.data.readers.contract import Part, Reader, ReadImage, register
from lab.errors import ImageError

IMAGE = "image"


def file_bytes(path: Path, limits: ImageLimits) -> bytes:
    """The whole file, when it is within the limit.

    Raises:
        ImageError: when it is larger or cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            data = stream.readall() if size <= limits.max_file_bytes else b""
    except OSError as error:
        raise ImageError("The file cannot be read; it was left out; check its permissions.") from error
    if max(size, len(data)) > limits.max_file_bytes:
        raise ImageError("The file is above the size limit; it was left out unread; export a smaller one.")
    return data


def read(path: Path, part: Part, limits: ImageLimits) -> ReadImage:
    """The picture of a file of one picture."""
    return _read(path, limits, outline=False)


def outline(path: Path, limits: ImageLimits) -> ReadImage:
    """As `read`, for a file that is only copied: decoded whole, but where `stored` is there the array has no values."""
    return _read(path, limits, outline=True)


def _read(path: Path, limits: ImageLimits, outline: bool) -> ReadImage:
    found, stored, suffix = decode_stored(file_bytes(path, limits), limits, path.name, outline)
    return ReadImage(found.array, found.format, stored, suffix)


register(Reader(IMAGE, "PNG, JPEG or TIFF", read))
