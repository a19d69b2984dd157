"""Size and depth of a compressed frame by its own header, read before any decoder allocates for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.data.dicom.refusal import refused

_SIZ = b"\xff\x4f\xff\x51"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xF7})  # baseline, extended, progressive, lossless, JPEG-LS
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class StreamSize:
    """What a frame's own header says: rows, columns, components and bits of a sample."""

    rows: int
    columns: int
    components: int
    bits: int


def stream_size(data: bytes) -> StreamSize | None:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 stream; None where it is none of them (run length).

    Raises:
        ImageError: when it is cut off.
    """
    if data[4:12] == b"jP  \r\n\x87\n" or data[:4] == _SIZ:
        return _jpeg2000(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    return None


def _jpeg2000(data: bytes) -> StreamSize:
    at = data.find(_SIZ, 0, 4096)
    if at < 0 or len(data) < at + 43:
        raise refused("A frame of the DICOM file is damaged or cut off")
    right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
    components, bits = struct.unpack_from(">H", data, at + 40)[0], (data[at + 42] & 0x7F) + 1
    return StreamSize(bottom - top, right - left, components, bits)


def _jpeg(data: bytes) -> StreamSize:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
        elif marker in _FRAMES:
            bits, rows, columns, components = struct.unpack_from(">BHHB", data, at + 4)
            return StreamSize(rows, columns, components, bits)
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise refused("A frame of the DICOM file is damaged or cut off")
