"""The few wanted columns of a large table, read line by line: CSV or CSV in gzip, never whole in memory.

Tables of public sets have hundreds of thousands of rows and long text in columns nobody needs here.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lab.data.sources.contract import Options
from lab.data.tabular.columns import FIELDS, normal_name
from lab.data.tabular.tables import MAX_ROWS
from lab.errors import DatasetError

MAX_BYTES = 4 * 2**30
"""Most bytes of a table, counted after inflation."""
_MAX_LINE = 4 * 2**20
_DELIMITERS = (",", "\t", ";", "|")
_NONE: Mapping[str, str] = {}


@dataclass(slots=True)
class Row:
    """One row: its number in the file from 1, the wanted cells by field, and the kept ones by stored name."""

    line: int
    cells: Mapping[str, str]
    kept: Mapping[str, str]

    def __getitem__(self, field: str) -> str:
        """The cell of a field, "" where the table has no such column."""
        return self.cells.get(field, "")


@dataclass
class TableColumns:
    """A table of which only some columns are read.

    Attributes:
        path: the file.
        header: names of its columns.
        found: field to column.
        kept: further column to the name it is stored under.
        ragged: numbers of the rows with more or fewer cells than the header, known after `rows` has ended.
    """

    path: Path
    header: tuple[str, ...]
    found: Mapping[str, str]
    kept: Mapping[str, str]
    ragged: list[int]
    _delimiter: str = ","

    def rows(self) -> Iterator[Row]:
        """The rows in their order.

        Raises:
            DatasetError: when the table is too large, cut off, or malformed.
        """
        self.ragged.clear()
        wanted = [(field, self.header.index(column)) for field, column in self.found.items()]
        kept = [(name, self.header.index(column)) for column, name in self.kept.items()]
        least, most = len(_named(self.header)), len(self.header)
        with _opened(self.path) as stream:
            lines = csv.reader(_lines(stream), delimiter=self._delimiter)
            try:
                next(lines)
                for number, cells in enumerate(lines, start=1):
                    if number > MAX_ROWS:
                        raise _unreadable(f"has more than {MAX_ROWS:,} rows", "divide it")
                    if not "".join(cells).strip():
                        continue
                    if len(cells) < least or (len(cells) > most and any(cells[most:])):
                        self.ragged.append(number)
                        continue
                    yield Row(
                        number,
                        {field: cells[place].strip() for field, place in wanted},
                        {name: cells[place].strip() for name, place in kept} if kept else _NONE,
                    )
            except csv.Error as error:
                raise _unreadable("is malformed or has a very long cell", "correct it") from error


def open_columns(
    path: Path, wanted: Mapping[str, Sequence[str]], options: Options | None = None
) -> TableColumns:
    """Look at the header of a table.

    Args:
        path: .csv, .tsv or without suffix, or one of these in gzip.
        wanted: field to the names its column may have, best first; case and punctuation do not count.
        options: a person's mapping goes before `wanted`; their further columns are kept.

    Raises:
        DatasetError: when the table cannot be read, or the mapping names a column that is not there.
    """
    header, delimiter = read_header(path)
    by_name = {normal_name(name): name for name in reversed(header) if name}
    given = dict((options.mapping if options else None) or {})
    absent = [field for field, column in given.items() if column and column not in header]
    unknown = sorted(set(given) - set(FIELDS))
    if absent or unknown:
        raise DatasetError(
            "The column mapping names a field or a column that the table does not have "
            f"({(absent + unknown)[0][:40]}); nothing was imported; choose one it has."
        )
    found: dict[str, str] = {}
    for field, names in wanted.items():
        known = next((by_name[key] for name in names if (key := normal_name(name)) in by_name), "")
        column = given.get(field, known)
        if column:
            found[field] = column
    found |= {field: column for field, column in given.items() if column and field not in wanted}
    keep = {normal_name(name) for name in (options.keep if options else ())}
    kept = {name: normal_name(name) for name in header if name and normal_name(name) in keep}
    kept = {name: stored for name, stored in kept.items() if name not in found.values()}
    return TableColumns(path, header, found, kept, [], delimiter)


def read_header(path: Path) -> tuple[tuple[str, ...], str]:
    """The names of the columns and the delimiter.

    Raises:
        DatasetError: when the table cannot be read or is empty.
    """
    with _opened(path) as stream:
        first = next(_lines(stream), "")
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        header = tuple(name.strip() for name in next(csv.reader([first], delimiter=delimiter), []))
    except csv.Error as error:
        raise _unreadable("is malformed", "correct it") from error
    if not any(header):
        raise _unreadable("is empty", "its first line must name the columns")
    return header, delimiter


def has_columns(path: Path, *names: str) -> bool:
    """Whether a table can be read and has all of these columns, however they are spelled."""
    try:
        found = {normal_name(name) for name in read_header(path)[0]}
    except DatasetError:
        return False
    return {normal_name(name) for name in names} <= found


def _named(header: Sequence[str]) -> Sequence[str]:
    """The header without unnamed columns at its end: rows may leave these out."""
    end = len(header)
    while end and not header[end - 1]:
        end -= 1
    return header[:end]


def _opened(path: Path) -> BinaryIO:
    try:
        if path.name.lower().endswith(".gz"):
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise _unreadable("cannot be read", "check its name and permissions") from error


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Decoded lines, counted after inflation, so that a small gzip file cannot fill the memory."""
    total = 0
    while True:
        try:
            line = stream.readline(_MAX_LINE)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise _unreadable("is damaged or cut off", "copy it again") from error
        if not line:
            return
        if not total and line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise _unreadable("is UTF-16", "save it in UTF-8")
        total += len(line)
        if total > MAX_BYTES or (len(line) == _MAX_LINE and not line.endswith(b"\n")):
            raise _unreadable("or one of its lines is above the size limit", "divide it")
        if b"\x00" in line:
            raise _unreadable("is not text", "save it as CSV in UTF-8")
        yield line.decode("utf-8-sig" if total == len(line) else "utf-8", errors="replace")


def _unreadable(what: str, do: str) -> DatasetError:
    return DatasetError(f"The table {what}; nothing was imported; {do}.")
