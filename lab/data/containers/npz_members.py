"""Arrays of an `.npz` file, read as a stream: headers first, never an object, never more than is asked for.

The zip's own statements are checked against the array's header before anything is inflated.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lab.errors import ImageError

SMALL_BYTES = 64_000_000
MOST_MEMBERS = 1_000
_KINDS = "biuf"
_DAMAGED = "The npz file is damaged, cut off or states wrong sizes; it was left out; download it again."


@dataclass(frozen=True)
class Header:
    """What stands before an array: shape, dtype, and where its numbers begin in the member."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry of the first axis."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


class Npz:
    """An `.npz` file, opened for reading forward.

    Args:
        path: the file.

    Raises:
        ImageError: when it is not a whole zip of arrays.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ImageError(_DAMAGED) from error
        if len(self._members) > MOST_MEMBERS:
            raise ImageError("The npz file holds too many arrays; it was left out; export fewer.")
        self._streams: dict[str, Any] = {}
        self._headers: dict[str, Header] = {}

    def __enter__(self) -> Npz:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def names(self) -> list[str]:
        """Names of the arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """Shape and dtype of an array; nothing but its first bytes is inflated.

        Raises:
            ImageError: when there is none, it holds Python objects, is in Fortran order, or is not as large as stated.
        """
        if name not in self._headers:
            try:
                with self._zip.open(self._members[name]) as stream:
                    self._headers[name] = _header(stream, self._members[name].file_size)
            except KeyError as error:
                raise ImageError(
                    "The npz file lacks an array it should have; it was left out; take the official file."
                ) from error
            except (ValueError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
                raise ImageError(_DAMAGED) from error
        return self._headers[name]

    def small(self, name: str) -> NDArray[Any]:
        """A whole array of at most 64 MB, for labels.

        Raises:
            ImageError: as `header`, or when it is larger.
        """
        header = self.header(name)
        if header.row_bytes * (header.shape[0] if header.shape else 1) > SMALL_BYTES:
            raise ImageError("An array of the npz file is too large for labels; it was left out.")
        rows = header.shape[0] if header.shape else 1
        flat = np.frombuffer(self._bytes(name, 0, rows * header.row_bytes), header.dtype)
        return flat.reshape(header.shape)

    def row(self, name: str, index: int, limit_bytes: int) -> NDArray[Any]:
        """One entry of the first axis. Asked for in rising order, the member is inflated once.

        Args:
            name: of the array.
            index: from 0.
            limit_bytes: most bytes of one entry.

        Raises:
            ImageError: as `header`, when there is no such entry, or it is above the limit.
        """
        header = self.header(name)
        if not header.shape or not 0 <= index < header.shape[0]:
            raise ImageError("The npz file has no image of that number; it was left out.")
        if header.row_bytes > limit_bytes:
            raise ImageError("An image of the npz file is above the size limit; it was left out unread.")
        data = self._bytes(name, index * header.row_bytes, header.row_bytes)
        return np.frombuffer(data, header.dtype).reshape(header.shape[1:])

    def _bytes(self, name: str, start: int, number: int) -> bytes:
        place = self.header(name).start + start
        try:
            stream = self._streams.get(name)
            if stream is None or stream.tell() > place:
                stream = self._streams[name] = self._zip.open(self._members[name])
            while stream.tell() < place:  # seek() of a zip member asks for the whole way at once
                if not stream.read(min(1 << 20, place - stream.tell())):
                    raise ImageError(_DAMAGED)
            data: bytes = stream.read(number)
        except (ValueError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
            raise ImageError(_DAMAGED) from error
        if len(data) != number:
            raise ImageError(_DAMAGED)
        return data


def _header(stream: Any, size: int) -> Header:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("version of the array")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or dtype.kind not in _KINDS:
        raise ImageError(
            "The npz file holds Python objects or text instead of numbers; it was left out; save plain arrays."
        )
    header = Header(tuple(int(side) for side in shape), dtype, stream.tell())
    if fortran or header.start + math.prod(header.shape) * dtype.itemsize != size:
        raise ImageError(_DAMAGED)
    return header
