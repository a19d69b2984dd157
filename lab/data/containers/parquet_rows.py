"""Parquet files from elsewhere: which column holds pictures, what the classes are called, row after row, never whole.

A shard can be larger than the memory, so pictures are read in batches of one row: only pages of one column are held.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.data.tabular.columns import normal_name
from lab.errors import DatasetError

POINTER = ".hub"
"""Suffix of a file that stands for a shard on the hub."""
_IMAGE_NAMES = ("image", "img", "picture", "pixels", "scan", "jpg", "png")
_PICKLED = "arrow.py_extension_type"
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Shard:
    """What is known of a Parquet file without reading a row.

    Attributes:
        path: the file, or the pointer to one on the hub.
        groups: number of rows of each row group.
        columns: names of the columns.
        image: column that holds the pictures, "" where none does.
        classes: column to the names of its classes, where a data set's own notes give them.
    """

    path: Path
    groups: tuple[int, ...]
    columns: tuple[str, ...]
    image: str
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def open_parquet(path: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile` of a file here or of one on the hub, read in small pieces.

    Raises:
        DatasetError: when it cannot be read, is no Parquet, or has a column of pickled objects.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = _remote(path) if path.name.endswith(POINTER) else str(path)
        # Without a cap, one corrupt length in the footer asks for all the memory there is.
        found = pq.ParquetFile(
            source, pre_buffer=False, buffer_size=_BUFFER,
            thrift_string_size_limit=100_000_000, thrift_container_size_limit=5_000_000,
        )  # fmt: skip
    except (pa.ArrowException, ValueError, OSError) as error:
        raise DatasetError(
            "A Parquet file is damaged, cut off or cannot be reached; nothing was imported; copy it again or go online."
        ) from error
    if any(_PICKLED.encode() in (one.metadata or {}).values() for one in found.schema_arrow):
        raise DatasetError(
            "A Parquet file has a column of pickled Python objects, which may run code; nothing was imported; "
            "write the column as text, numbers or image bytes."
        )
    return found


def describe(path: Path, image: str = "") -> Shard:
    """Look at a Parquet file.

    Args:
        path: the file or its pointer.
        image: the column of pictures where a person named it; "" looks for one.

    Raises:
        DatasetError: as `open_parquet`.
    """
    with open_parquet(path) as file:
        schema, meta = file.schema_arrow, file.metadata
        features = _features(schema.metadata or {})
        groups = tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups))
        columns = tuple(str(name) for name in schema.names)
        column = _image_column(schema, features, image)
        classes = {
            name: tuple(str(one) for one in told["names"])
            for name, told in features.items()
            if told.get("_type") == "ClassLabel" and isinstance(told.get("names"), list)
        }
    return Shard(path, groups, columns, column, classes)


def texts(shard: Shard, columns: Sequence[str]) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Row group, row and the cells of some columns as text; pictures are never among them.

    Columns that hold neither text, numbers nor flat records are passed over.
    """
    with open_parquet(shard.path) as file:
        schema = file.schema_arrow
        wanted = [name for name in columns if name in schema.names and _is_plain(schema.field(name).type)]
        for group, rows in enumerate(shard.groups):
            if not wanted:
                yield from ((group, row, {}) for row in range(rows))
                continue
            row = 0
            for batch in file.iter_batches(batch_size=1024, row_groups=[group], columns=wanted):
                for cells in batch.to_pylist():
                    yield group, row, {name: _text(cells[name], shard.classes.get(name)) for name in wanted}
                    row += 1


def _text(value: object, classes: Sequence[str] | None) -> str:
    if value is None:
        return ""
    if classes and isinstance(value, int) and 0 <= value < len(classes):
        return classes[value]
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _is_plain(kind: Any) -> bool:
    """Whether a column may be read as text: no bytes, and records of text and numbers only."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return all(_is_plain(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    scalar = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean,
    )  # fmt: skip
    return any(test(kind) for test in scalar)


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """What a data set library wrote into the schema about its columns."""
    try:
        told = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return (
        {str(name): one for name, one in told.items() if isinstance(one, dict)}
        if isinstance(told, dict)
        else {}
    )


def _image_column(schema: Any, features: Mapping[str, Mapping[str, Any]], named: str) -> str:
    fitting = [str(one.name) for one in schema if _holds_pixels(one.type)]
    if named:
        return named if named in fitting else ""
    told = [
        name for name in fitting if features.get(name, {}).get("_type") in ("Image", "Array2D", "Array3D")
    ]
    usual = [name for name in fitting if normal_name(name) in _IMAGE_NAMES]
    records = [name for name in fitting if _is_record(schema.field(name).type)]
    return next(iter([*told, *usual, *records]), "")


def _is_record(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and kind.get_field_index("bytes") >= 0


def _holds_pixels(kind: Any) -> bool:
    """A record with bytes, bytes, or lists of lists of whole numbers."""
    import pyarrow as pa

    if _is_record(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    depth = 0
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    return depth in (2, 3) and bool(pa.types.is_integer(kind))


def _remote(pointer: Path) -> Any:
    from lab.data.containers.hub_location import opened

    return opened(pointer)
