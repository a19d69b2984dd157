"""PNG at the level of its chunks: size before decoding, checksums, text, and a copy without metadata.

Source: Portable Network Graphics Specification (Third Edition), W3C 2025, sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lab.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_TEXT_LIMIT = 1 << 20


@dataclass(frozen=True)
class PngHeader:
    """What the header and chunk names say: size in pixels, bits a channel, colour type, frames, EXIF
    block."""

    width: int
    height: int
    depth: int
    colour: int
    animated: bool
    transparent: bool
    exif: bytes

    @property
    def plain(self) -> bool:
        """Grey of 8 or 16 bits or RGB of 8 bits without transparency: stored as it is, minus metadata."""
        return not self.transparent and (self.colour, self.depth) in ((0, 8), (0, 16), (2, 8))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk up to IEND; checksums verified.

    Raises:
        ImageError: when the file is cut off or a checksum is wrong.
    """
    position = len(SIGNATURE)
    while True:
        if position + 12 > len(data):
            raise ImageError("The PNG file is cut off; it was left out; export it again.")
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            raise ImageError("The PNG file is cut off; it was left out; export it again.")
        content = data[position + 8 : end]
        if zlib.crc32(content, zlib.crc32(name)) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageError(
                "The PNG file is damaged (a checksum is wrong); it was left out; export it again."
            )
        yield name, content
        if name == b"IEND":
            return
        position = end + 4


def read_header(data: bytes) -> PngHeader:
    """Size and kind of a PNG from its first chunk alone: nothing is inflated, nothing else is read.

    Raises:
        ImageError: when there is no valid header.
    """
    if len(data) < 33 or data[12:16] != b"IHDR" or data[8:12] != b"\x00\x00\x00\x0d":
        raise ImageError("The PNG file is cut off or has no header; it was left out; export it again.")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    return PngHeader(width, height, depth, colour, False, False, b"")


def inspect(data: bytes) -> tuple[PngHeader, bytes]:
    """Walk all chunks; return the full header and the file reduced to its pixel chunks.

    Raises:
        ImageError: when the file is cut off, damaged or without pixels.
    """
    first = read_header(data)
    kept: list[bytes] = []
    names: set[bytes] = set()
    exif = b""
    for name, content in chunks(data):
        names.add(name)
        if name == b"eXIf":
            exif = content
        if name in _PIXELS and not (name == b"tRNS" and first.colour in (0, 2)):
            kept.append(_chunk(name, content))
    if b"IDAT" not in names:
        raise ImageError("The PNG file holds no pixels; it was left out; export it again.")
    transparent = first.colour in (4, 6) or (first.colour == 3 and b"tRNS" in names)
    header = PngHeader(
        first.width, first.height, first.depth, first.colour, b"acTL" in names, transparent, exif
    )
    return header, SIGNATURE + b"".join(kept)


def read_text(data: bytes) -> dict[str, str]:
    """All text chunks as keyword to text; compressed text is inflated up to 1 MiB, malformed text is skipped.

    Raises:
        ImageError: when `data` is not a whole PNG.
    """
    if not data.startswith(SIGNATURE):
        raise ImageError(
            "The file is not a PNG, so it carries no recipe; it was left as it is; choose a PNG."
        )
    found: dict[str, str] = {}
    for name, content in chunks(data):
        keyword, _, rest = content.partition(b"\x00")
        text = _TEXT[name](rest) if name in _TEXT else None
        if text is not None:
            found.setdefault(keyword.decode("latin-1"), text)
    return found


def _inflate(packed: bytes) -> bytes | None:
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(packed, _TEXT_LIMIT)
    except zlib.error:
        return None
    return text if unpack.eof else None


def _plain(rest: bytes) -> str | None:
    return rest.decode("latin-1")


def _zipped(rest: bytes) -> str | None:
    text = _inflate(rest[1:])
    return None if text is None else text.decode("latin-1")


def _international(rest: bytes) -> str | None:
    parts = rest[2:].split(b"\x00", 2)
    if len(parts) != 3:
        return None
    text = _inflate(parts[2]) if rest[:1] == b"\x01" else parts[2]
    return None if text is None else text.decode("utf-8", errors="replace")


_TEXT = {b"tEXt": _plain, b"zTXt": _zipped, b"iTXt": _international}


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
    )
