"""File names in import reports: kept as digests in the store, told to the person who has the folder.

A file name can hold a patient's name, so a run's result never holds one. Whoever still has the folder (and
its CSV) can turn the digests back into names; nobody else can.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lab.data.containers.archives import forget_unpacked
from lab.errors import LabError
from lab.provenance import digest_bytes

LENGTH = 16


def concealed(rows: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """(file name, reason) pairs with the name replaced by the first 16 digits of its SHA-256."""
    return [{"file": _digest(name), "reason": reason} for name, reason in rows]


def revealed(
    rows: Iterable[Mapping[str, str]], folder: Path | str, metadata: Path | str | None = None
) -> list[dict[str, str]]:
    """The rows of `concealed` with their names, where folder or CSV still hold them; else the digest stays."""
    listed = list(rows)
    waiting = {row["file"] for row in listed}
    names: dict[str, str] = {}
    for source in (_names, _planned_names):
        if len(names) == len(waiting):
            break
        for name in source(Path(folder), Path(metadata) if metadata else None):
            digest = _digest(name)
            if digest in waiting:
                names[digest] = name
    return [{"file": names.get(row["file"], row["file"]), "reason": row["reason"]} for row in listed]


def _digest(name: str) -> str:
    return digest_bytes(name.encode("utf-8", "surrogatepass"))[:LENGTH]


def _names(folder: Path, metadata: Path | None) -> Iterator[str]:
    if folder.is_dir():
        for file in folder.rglob("*"):
            yield file.relative_to(folder).as_posix()
            yield file.name
    if metadata is not None and metadata.is_file():
        with metadata.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            for row in csv.reader(stream):
                yield from row


def _planned_names(folder: Path, metadata: Path | None) -> Iterator[str]:
    """Names that only a plan gives: members of a zip, images of a file of many, rows of a table, escaped names."""
    from lab.data.importing.plan import plan_import

    if not folder.exists():
        return
    try:
        plan = plan_import(folder, metadata)
    except LabError:
        return
    finally:
        forget_unpacked(folder)
    yield from (image.name for image in plan.images)
    yield from (name for name, _ in (*plan.left_out, *plan.merged))
