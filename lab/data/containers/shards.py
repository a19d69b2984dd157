"""Parquet shards of a folder: found, described, and turned into planned images without reading a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.data.containers.parquet_rows import POINTER, Shard, describe, texts
from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.sources.contract import PlannedImage
from lab.data.splits import canonical_split
from lab.errors import DatasetError

READER = "rows"
_SPLIT = re.compile(
    r"(?:^|[/_.-])(train|training|valid|validation|val|dev|test)(?:[-_./0-9]|\.parquet|$)", re.IGNORECASE
)


def shard_files(files: FolderIndex) -> list[tuple[str, Path]]:
    """Parquet files and pointers to such on the hub, by path, in natural order of their numbers."""
    ends = (".parquet", f".parquet{POINTER}")
    found = [(name, path) for name, path in files.by_path.items() if name.lower().endswith(ends)]
    return sorted(found, key=lambda item: _natural(item[0]))


def described(
    files: FolderIndex, image: str = "", wanted: Callable[[str], bool] = lambda name: True
) -> tuple[list[tuple[str, Shard]], list[tuple[str, str]]]:
    """The shards with a column of pictures, and those left out with the reason."""
    shards: list[tuple[str, Shard]] = []
    left_out: list[tuple[str, str]] = []
    for name, path in shard_files(files):
        if not wanted(name):
            continue
        try:
            shard = describe(path, image)
        except DatasetError as error:
            left_out.append((shown_name(name), str(error)))
            continue
        if shard.image:
            shards.append((name, shard))
        else:
            left_out.append(
                (shown_name(name), "it has no column of pictures; it was left out; name the column")
            )
    return shards, left_out


def first_shard(files: FolderIndex) -> Shard | None:
    """The first shard that can be described, to recognise a layout by; at most three are tried."""
    for _, path in shard_files(files)[:3]:
        try:
            shard = describe(path)
        except DatasetError:
            continue
        if shard.image:
            return shard
    return None


def split_of(name: str) -> str:
    """The split a shard's path names, "" where it names none."""
    match = _SPLIT.search(name)
    return (canonical_split(match[1]) or "") if match else ""


def rows_of(
    name: str,
    shard: Shard,
    columns: Sequence[str],
    fields: Callable[[Mapping[str, str]], Mapping[str, str] | None],
) -> list[PlannedImage]:
    """One planned image a row.

    Args:
        name: path of the shard, shown with the row's number.
        shard: the file.
        columns: read for `fields`; the pictures are not.
        fields: from the cells of a row to its manifest fields, or `None` to leave the row out.
    """
    images = []
    for number, (group, row, cells) in enumerate(texts(shard, columns)):
        told = fields(cells)
        if told is not None:
            part = {"group": group, "row": row, "column": shard.image}
            shown = f"{shown_name(name)} row {number}"
            images.append(PlannedImage(shard.path, shown, told, reader=READER, part=part))
    return images


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part
    ]
