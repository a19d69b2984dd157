"""The manifest of a dataset: one row an image, kept as Parquet without any Python object in it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lab.atomic import write_bytes
from lab.errors import DatasetError
from lab.provenance import digest_bytes, digest_json

TEXT_COLUMNS = (
    "image_id", "digest", "path", "patient_id", "split", "label", "labels", "caption", "mask",
    "view", "sex", "age", "vendor", "licence", "format",
)  # fmt: skip
NUMBER_COLUMNS = ("width", "height", "channels", "bits")
COLUMNS = TEXT_COLUMNS + NUMBER_COLUMNS
"""Columns every manifest has. `labels` holds several findings joined by "|"; `mask` is a relative path
or ""."""


def build(rows: list[Mapping[str, Any]]) -> pd.DataFrame:
    """A manifest from rows; missing standard columns are filled, others follow as text, order is by
    image id."""
    extra = sorted({key for row in rows for key in row} - set(COLUMNS))
    table = pd.DataFrame([dict(row) for row in rows], columns=[*COLUMNS, *extra])
    for column in (*TEXT_COLUMNS, *extra):
        table[column] = table[column].fillna("").astype(str)
    for column in NUMBER_COLUMNS:
        table[column] = table[column].fillna(0).astype("int64")
    return table.sort_values("image_id", kind="stable").reset_index(drop=True)


def content_digest(table: pd.DataFrame, recipe: str = "") -> str:
    """Digest of what the dataset holds: the order of rows, ids of files and the spelling of patient ids
    are no part.

    A patient counts by the digest of the id, so that the digest of a set tells nothing about its patients.

    Args:
        table: the manifest.
        recipe: digest of the preprocessing; "" for none.
    """
    patients = [digest_bytes(patient.encode("utf-8"))[:16] for patient in table["patient_id"]]
    columns = [table[name] for name in ("digest", "split", "label", "labels", "caption")]
    rows = sorted([*map(str, row)] for row in zip(*columns, patients, strict=True))
    return digest_json({"rows": rows, "recipe": recipe} if recipe else rows)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the manifest, whole or not at all."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_bytes(path, buffer.getvalue())


def read(path: Path) -> pd.DataFrame:
    """Read a manifest and check that it is one.

    Raises:
        DatasetError: when the file is missing, damaged, lacks a column, or names a file outside its dataset.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        plain = all(
            pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
            for kind in pq.read_schema(path).types
        )
        # Only text and whole numbers: a manifest cannot carry a pickled object.
        table = pd.read_parquet(path) if plain else None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged() from error
    if table is None or not set(COLUMNS) <= set(table.columns) or table["image_id"].duplicated().any():
        raise _damaged()
    for column in TEXT_COLUMNS:
        table[column] = table[column].astype(str)
    for name in (*table["path"], *table["mask"]):
        if name.startswith(("/", "\\")) or ".." in name or ":" in name:
            raise _damaged()
    return table


def _damaged() -> DatasetError:
    return DatasetError(
        "The manifest of this dataset is missing or damaged; its images are kept; remove it and import it "
        "again."
    )
