"""JPEG at the level of its segments: size before decoding, orientation, and a lossless copy without metadata.

Source: ITU-T T.81 annex B; JFIF 1.02. Dropping APPn and COM segments leaves every pixel as it was. Kept are a
JFIF marker without its thumbnail and the 12 bytes of the Adobe marker, because both steer the colour
transform.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.data.codecs.tiff_header import orientation
from lab.errors import ImageError

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_MARKER = re.compile(rb"\xff(?=[^\x00\xd0-\xd7\xff])", re.DOTALL)
_CUT = "The JPEG file is cut off; it was left out; export it again."
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


@dataclass(frozen=True)
class JpegHeader:
    """Size in pixels, bits a channel, channels, EXIF orientation 1 to 8."""

    width: int
    height: int
    depth: int
    channels: int
    orientation: int

    @property
    def plain(self) -> bool:
        """Grey or colour with three channels, upright: stored as it is, minus metadata."""
        return self.channels in (1, 3) and self.orientation == 1


def inspect(data: bytes) -> tuple[JpegHeader, bytes]:
    """Walk all segments; return the header and the same JPEG without metadata and without trailing bytes.

    Raises:
        ImageError: when the file is cut off, damaged or has no frame.
    """
    kept = [b"\xff\xd8"]
    frame: bytes | None = None
    turned, at = 1, 2
    while True:
        at, marker = _next_marker(data, at)
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            break
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise ImageError(_CUT)
        content = data[at + 2 : at + length]
        segment = data[at - 2 : at + length]
        at += length
        if marker == 0xE1 and content.startswith(b"Exif\x00\x00") and turned == 1:
            turned = orientation(content)
        if marker in _FRAMES:
            frame = content
        if marker == 0xDA:
            end = _end_of_scan(data, at)
            segment, at = segment + data[at:end], end
        kept.append(_stripped(marker, content, segment))
    if frame is None or len(frame) < 6:
        raise ImageError("The JPEG file holds no pixels; it was left out; export it again.")
    return _header(frame, turned), b"".join(kept)


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height of the first frame, read without looking at any pixel.

    Raises:
        ImageError: when no frame is found.
    """
    at = 2
    while True:
        at, marker = _next_marker(data, at)
        if marker in _ALONE:
            continue
        if marker in (0xD9, 0xDA):
            raise ImageError("The JPEG file holds no pixels; it was left out; export it again.")
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise ImageError(_CUT)
        if marker in _FRAMES:
            head = _header(data[at + 2 : at + length], 1)
            return head.width, head.height
        at += length


def _header(frame: bytes, turned: int) -> JpegHeader:
    if len(frame) < 6:
        raise ImageError("The JPEG file is damaged; it was left out; export it again.")
    return JpegHeader(
        width=int.from_bytes(frame[3:5], "big"),
        height=int.from_bytes(frame[1:3], "big"),
        depth=frame[0],
        channels=frame[5],
        orientation=turned,
    )


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Position after the next marker and its code; fill bytes are skipped."""
    while at < len(data) - 1 and data[at] == 0xFF and data[at + 1] == 0xFF:
        at += 1
    if at >= len(data) - 1:
        raise ImageError(_CUT)
    if data[at] != 0xFF:
        raise ImageError("The JPEG file is damaged; it was left out; export it again.")
    return at + 2, data[at + 1]


def _end_of_scan(data: bytes, at: int) -> int:
    """Position of the marker that ends the coded pixels beginning at `at`; stuffed zeros and restarts are pixels."""
    found = _MARKER.search(data, at)
    if found is None:
        raise ImageError(_CUT)
    return found.start()


def _stripped(marker: int, content: bytes, segment: bytes) -> bytes:
    if marker == 0xE0 and content.startswith(b"JFIF\x00"):
        return _JFIF
    if marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12:
        return b"\xff\xee\x00\x0e" + content[:5] + b"\x00\x64\x00\x00\x00\x00" + content[11:12]
    if 0xE0 <= marker <= 0xEF or marker == 0xFE:
        return b""
    return segment
