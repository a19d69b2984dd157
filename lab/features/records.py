"""The extractor records of this installation: those that come with it, and those added to the workspace."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from lab.atomic import write_json
from lab.config import ASSETS, settings
from lab.errors import InputError, LabError, NotFoundError
from lab.features.drafts import draft, is_model
from lab.features.record import ExtractorRecord, read_record

EMBEDDED = ASSETS / "extractors"


def workspace_folder() -> Path:
    """Folder of the records, and of weights put there by hand."""
    return settings().workspace / "extractors"


def list_records() -> list[ExtractorRecord]:
    """All readable records, the default first; an unreadable one never hides the others."""
    return _read_all()[0]


def broken_records() -> list[tuple[str, str]]:
    """Records that were left out, as (name, reason)."""
    return _read_all()[1]


def get_record(name: str) -> ExtractorRecord:
    """The record of that id.

    Raises:
        NotFoundError: with the ids that exist.
    """
    records = {record.id: record for record in list_records()}
    if name not in records:
        known = ", ".join(records)
        raise NotFoundError(
            f"There is no feature extractor of that name; nothing was started; choose one of: {known}."
        )
    return records[name]


def add_record(path: Path) -> ExtractorRecord:
    """Copy a record file, or the draft of a model folder, into the workspace; its folder is made absolute.

    Raises:
        InputError: when it is not valid, its id is taken, or its folder is not there.
        WeightsError: when a folder is no model that can be described.
    """
    path = Path(path).expanduser()
    record = draft(path.resolve()) if path.is_dir() else read_record(path)
    if any(record.id == other.id for other in list_records()):
        raise InputError(
            "A feature extractor of this id is already there; it was kept as it is; give the new record another id."
        )
    if record.path is not None:
        if not record.path.is_dir():
            raise InputError(
                "The model folder of this extractor record was not found; nothing was added; "
                "correct the folder in the record."
            )
        record = dataclasses.replace(record, folder=str(record.path.resolve()))
    target = workspace_folder() / f"{record.id}.json"
    write_json(target, record.to_json())
    return read_record(target)


def _read_all() -> tuple[list[ExtractorRecord], list[tuple[str, str]]]:
    records: dict[str, ExtractorRecord] = {}
    broken: list[tuple[str, str]] = []
    for file in [*sorted(EMBEDDED.glob("*.json")), *sorted(workspace_folder().glob("*.json"))]:
        _take(records, broken, file)
    described = {record.path.resolve() for record in records.values() if record.path is not None}
    # A model folder that lies there without a record speaks for itself; one trained here goes first.
    for root in (workspace_folder(), EMBEDDED):
        for folder in sorted(root.glob("*")):
            if is_model(folder) and folder.name not in records and folder.resolve() not in described:
                _take(records, broken, folder)
    return sorted(records.values(), key=_order), broken


def _take(records: dict[str, ExtractorRecord], broken: list[tuple[str, str]], place: Path) -> None:
    try:
        record = draft(place) if place.is_dir() else read_record(place)
    except LabError as error:
        broken.append((place.name, str(error)))
        return
    if record.id in records:
        broken.append(
            (
                place.name,
                "An extractor of this id is already there; this one was left out; give it another id.",
            )
        )
    else:
        records[record.id] = record


def _order(record: ExtractorRecord) -> tuple[bool, bool, str]:
    """Those whose weights come with the program first, the default before all."""
    return (not record.id.startswith("efficientnet-lite0"), not record.comes_along, record.id)
