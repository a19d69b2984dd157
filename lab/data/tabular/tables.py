"""CSV files from elsewhere: any usual encoding and delimiter, limited in size, nothing evaluated."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from lab.config import settings
from lab.errors import DatasetError

MAX_ROWS = 1_000_000
MAX_CELL = 100_000
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Table:
    """A CSV as text.

    Attributes:
        columns: names in the header, in order.
        rows: one dictionary a row, column to stripped text.
        lines: number of the row in the file, from 1, the header not counted.
        ragged: numbers of rows with more or fewer cells than the header; they are not in `rows`.
        notes: what had to be decided, one sentence each.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]
    ragged: list[int] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """Read a CSV file.

    Raises:
        DatasetError: when it is missing, empty, too large, not text, or names a column twice.
    """
    try:
        if path.stat().st_size > settings().max_file_bytes:
            raise DatasetError(
                "The CSV file is above the size limit; nothing was imported; divide it or raise "
                "LAB_MAX_FILE_BYTES."
            )
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            "The CSV file cannot be read; nothing was imported; check its name and permissions."
        ) from error
    return parse_table(data)


def parse_table(data: bytes) -> Table:
    """Read CSV from memory; UTF-8 (with or without BOM), UTF-16 with BOM and Windows-1252 are understood.

    Raises:
        DatasetError: as `read_table`.
    """
    text, notes = _decoded(data)
    head = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=head.count)
    # Cells above the csv module's own limit raise csv.Error; the limit is global there and is left alone.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    ragged: list[int] = []
    try:
        header = tuple(name.strip() for name in next(reader, []))
        _check_header(header)
        for number, cells in enumerate(reader, start=1):
            if number > MAX_ROWS:
                raise DatasetError(
                    f"The CSV file has more than {MAX_ROWS:,} rows; nothing was imported; divide it."
                )
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                ragged.append(number)
                continue
            if max(map(len, cells)) > MAX_CELL:
                raise csv.Error("cell")
            rows.append(dict(zip(header, (cell.strip() for cell in cells), strict=True)))
            lines.append(number)
    except csv.Error as error:
        raise DatasetError(
            f"The CSV file is malformed or has a cell above {MAX_CELL:,} characters; nothing was "
            f"imported; correct it."
        ) from error
    return Table(header, rows, lines, ragged, notes)


def _check_header(header: tuple[str, ...]) -> None:
    if not any(header):
        raise DatasetError(
            "The CSV file is empty; nothing was imported; its first line must name the columns."
        )
    named = [name for name in header if name]
    if len(set(named)) != len(named):
        raise DatasetError("The CSV file names a column twice; nothing was imported; rename one of them.")


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError("The CSV file is not text; nothing was imported; save it as CSV in UTF-8.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), ("The CSV was read as UTF-16.",)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), (
            "The CSV is not UTF-8 and was read as Windows-1252.",
        )


def neutral_cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula: =, +, -, @, tab and line breaks at the start get an
    apostrophe.

    Plain numbers keep their sign.
    """
    text = "" if value is None else str(value)
    if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[:1] not in ("\t", "\r", "\n", "=", "@")
