"""Zip files as nobody should make them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def png(seed: int = 0, size: int = 24) -> bytes:
    """A small PNG of noise."""
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)).save(
        out, "PNG"
    )
    return out.getvalue()


def zipped(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A zip of members; `links` are stored as symbolic links."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return path


def directory_entries(data: bytes) -> list[int]:
    """Where the entries of the central directory begin."""
    found, at = [], data.find(b"PK\x01\x02")
    while at >= 0:
        found.append(at)
        at = data.find(b"PK\x01\x02", at + 4)
    return found


def with_size(path: Path, number: int, size: int) -> None:
    """Let a member state another inflated size, in both of its headers."""
    data = bytearray(path.read_bytes())
    entry = directory_entries(bytes(data))[number]
    (start,) = struct.unpack_from("<I", data, entry + 42)
    struct.pack_into("<I", data, entry + 24, size)
    struct.pack_into("<I", data, start + 22, size)
    path.write_bytes(bytes(data))


def encrypted(path: Path, number: int) -> None:
    """Set the flag of encryption of a member."""
    data = bytearray(path.read_bytes())
    data[directory_entries(bytes(data))[number] + 8] |= 1
    path.write_bytes(bytes(data))


def overlapping(path: Path, number: int, other: int) -> None:
    """Let a member point to the bytes of another."""
    data = bytearray(path.read_bytes())
    entries = directory_entries(bytes(data))
    data[entries[number] + 42 : entries[number] + 46] = data[entries[other] + 42 : entries[other] + 46]
    path.write_bytes(bytes(data))
