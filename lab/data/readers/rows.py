"""Reader of pictures that stand in the rows of a Parquet file: image bytes, or the pixels themselves as lists.

Rows are read one after the other and only as far as they are asked for, so a file larger than the memory costs the
memory of one picture and of a few pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.containers.parquet_rows import describe, open_parquet
from lab.data.images import ImageLimits, decode_clean
from lab.data.readers.contract import Part, Reader, ReadImage, register
from lab.errors import DatasetError, ImageError


class _Rows:
    """The row group that was read last, and the row it stands at."""

    def __init__(self) -> None:
        self._place: tuple[str, int, int, str, int] | None = None
        self._next = 0
        self._cells: Iterator[Any] = iter(())
        self._file: Any = None

    def cell(self, path: Path, group: int, row: int, column: str) -> Any:
        """The cell as an Arrow array of length 1."""
        stat = path.stat()
        place = (str(path), stat.st_size, stat.st_mtime_ns, column, group)
        if place != self._place or row < self._next:
            self._begin(path, place)
        for cell in self._cells:
            self._next += 1
            if self._next == row + 1:
                return cell
        raise ImageError("The Parquet file has no such row; it was left out; plan the import again.")

    def _begin(self, path: Path, place: tuple[str, int, int, str, int]) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._next, self._place = open_parquet(path), 0, place
        column = place[3] or describe(path).image
        if not column or not 0 <= place[4] < self._file.metadata.num_row_groups:
            self._place = None
            raise ImageError("The Parquet file has no column of pictures; it was left out; name the column.")
        batches = self._file.iter_batches(batch_size=1, row_groups=[place[4]], columns=[column])
        self._cells = (batch.column(0) for batch in batches)


class RowsReader:
    """Reads {"group": number, "row": number, "column": name}; keeps its place for the next row."""

    def __init__(self) -> None:
        self._rows = _Rows()

    def __call__(self, path: Path, part: Part, limits: ImageLimits) -> ReadImage:
        """One picture of a Parquet file.

        Raises:
            ImageError: when the row is empty, damaged, too large, or holds no picture.
        """
        import pyarrow as pa

        try:
            cell = self._rows.cell(
                path, int(part.get("group", 0)), int(part.get("row", 0)), str(part.get("column", ""))
            )
        except DatasetError as error:
            raise ImageError(str(error)) from error
        except (pa.ArrowException, OSError) as error:
            self._rows = _Rows()  # the place in a damaged file is unknown
            raise ImageError(
                "The row cannot be read; it was left out; copy the Parquet file again."
            ) from error
        return read_cell(cell, limits)


def read_cell(cell: Any, limits: ImageLimits) -> ReadImage:
    """A picture from an Arrow array of length 1.

    Raises:
        ImageError: when it is empty, damaged, too large, or no picture.
    """
    import pyarrow as pa

    if cell.null_count or len(cell) != 1:
        raise ImageError("The row holds no picture; it was left out; nothing needs to be done.")
    if pa.types.is_struct(cell.type):
        cell = cell.field("bytes")
        if cell.null_count:
            raise ImageError(
                "The row names a picture and does not hold it; it was left out; put the bytes into it."
            )
    if pa.types.is_binary(cell.type) or pa.types.is_large_binary(cell.type):
        return _from_bytes(cell[0].as_py(), limits)
    array = _from_lists(cell, limits)
    return ReadImage(array, "Parquet")


def _from_bytes(data: bytes, limits: ImageLimits) -> ReadImage:
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ImageError(
            "The row holds a pickled Python object, which may run code; it was left out unread; store image bytes."
        )
    found, clean, suffix = decode_clean(data, limits)
    return ReadImage(found.array, found.format, clean, suffix)


def _from_lists(cell: Any, limits: ImageLimits) -> NDArray[np.uint8]:
    """Pixels from lists of lists: (H, W) or (H, W, C), whole numbers from 0 to 255; one channel becomes grey."""
    import pyarrow as pa

    shape: list[int] = []
    while (
        pa.types.is_list(cell.type)
        or pa.types.is_large_list(cell.type)
        or pa.types.is_fixed_size_list(cell.type)
    ):
        lengths = set(cell.value_lengths().unique().to_pylist())
        if cell.null_count or len(lengths) != 1:
            raise ImageError(
                "The lists of pixels are of unequal length; the row was left out; write it again."
            )
        shape.append(int(lengths.pop()))
        cell = cell.flatten()
    if len(shape) == 3 and shape[2] == 1:
        shape.pop()
    if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] != 3):
        raise ImageError(
            "The lists of pixels are no picture (height, width, channels); the row was left out; write it again."
        )
    if shape[0] * shape[1] > limits.max_pixels:
        raise ImageError(
            f"The image has {shape[1]} x {shape[0]} pixels, above the limit of {limits.max_pixels:,}; it was left out."
        )
    if not pa.types.is_integer(cell.type) or cell.null_count:
        raise ImageError(
            "The pixels are no whole numbers; the row was left out; write them as 8-bit numbers."
        )
    values = cell.to_numpy(zero_copy_only=False)
    if values.dtype != np.uint8 and (values.min() < 0 or values.max() > 255):
        raise ImageError(
            "The pixels lie outside 0 to 255; the row was left out; write them as 8-bit numbers."
        )
    return np.array(values.astype(np.uint8).reshape(shape))


READER = register(Reader("rows", "Rows of a Parquet file", RowsReader()))
