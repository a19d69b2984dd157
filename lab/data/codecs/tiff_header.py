"""The first directory of a TIFF (or of an EXIF block, which is one): size, depth, pages, orientation.

Source: TIFF 6.0, Adobe 1992, sections 2 and 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.errors import ImageError

WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, SAMPLE_FORMAT = 256, 257, 258, 262, 274, 277, 339
_FORMATS = {1: "B", 3: "H", 4: "I"}


@dataclass(frozen=True)
class TiffHeader:
    """Size in pixels, bits and format of a channel, channels, photometric code, and whether a second
    page exists."""

    width: int
    height: int
    bits: int
    samples: int
    sample_format: int
    white_is_zero: bool
    paged: bool


def first_directory(data: bytes) -> tuple[dict[int, int], bool]:
    """First value of each whole-number tag, and whether another directory follows.

    Raises:
        ImageError: when the directory lies outside the data.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    try:
        if order is None:
            raise ValueError("byte order")
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        tags: dict[int, int] = {}
        for i in range(count):
            entry = start + 2 + 12 * i
            tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
            code = _FORMATS.get(kind)
            if code is None or length == 0:
                continue
            at = entry + 8
            if struct.calcsize(code) * length > 4:
                (at,) = struct.unpack_from(f"{order}I", data, at)
            tags[tag] = struct.unpack_from(f"{order}{code}", data, at)[0]
        (following,) = struct.unpack_from(f"{order}I", data, start + 2 + 12 * count)
    except (struct.error, ValueError) as error:
        raise ImageError("The TIFF file is cut off or damaged; it was left out; export it again.") from error
    return tags, following != 0


def read_header(data: bytes) -> TiffHeader:
    """Read size and kind of a TIFF without decoding it.

    Raises:
        ImageError: when the first directory is damaged.
    """
    tags, paged = first_directory(data)
    return TiffHeader(
        width=tags.get(WIDTH, 0),
        height=tags.get(HEIGHT, 0),
        bits=tags.get(BITS, 1),
        samples=tags.get(SAMPLES, 1),
        sample_format=tags.get(SAMPLE_FORMAT, 1),
        white_is_zero=tags.get(PHOTOMETRIC) == 0,
        paged=paged,
    )


def orientation(exif: bytes) -> int:
    """EXIF orientation 1 to 8; 1 where the block is missing or damaged."""
    block = exif.removeprefix(b"Exif\x00\x00")
    if not block:
        return 1
    try:
        value = first_directory(block)[0].get(ORIENTATION, 1)
    except ImageError:
        return 1
    return value if 1 <= value <= 8 else 1
