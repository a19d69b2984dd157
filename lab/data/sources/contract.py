"""What a source is: it recognises a folder by what lies in it, and says what an import of it would do.

A plan is made without decoding a pixel and without copying a byte. Names of files stand in it for the person who
imports; nothing stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.data.importing.folder_index import FolderIndex
from lab.registry import Registry


@dataclass(frozen=True)
class PlannedImage:
    """One picture to be copied.

    Attributes:
        file: where it lies.
        name: as shown to the person who imports; stored nowhere.
        fields: manifest columns that the layout or its table gives (`lab.data.tabular.columns.FIELDS`, and "split").
        extra: further manifest columns.
        mask: file of its mask.
        mask_missing: whether a mask was named that is not there.
        reader: id of the reader of `file`.
        part: which picture of the file, as the reader understands it; {} for a file of one.
        mask_reader: id of the reader of `mask`.
        mask_part: which picture of the mask's file.
        mask_values: value in the mask's file to value in the app's label map; empty keeps the values.
    """

    file: Path
    name: str
    fields: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    mask: Path | None = None
    mask_missing: bool = False
    reader: str = "image"
    part: Mapping[str, Any] = field(default_factory=dict)
    mask_reader: str = "image"
    mask_part: Mapping[str, Any] = field(default_factory=dict)
    mask_values: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportPlan:
    """A preview of an import.

    Attributes:
        root: the folder.
        metadata: the table, or `None` where labels come from elsewhere.
        columns: header of the table.
        mapping: field to column, guessed or given.
        stored: further columns that are kept, column to name.
        unused: columns that are not kept.
        images: what would be read.
        left_out: file or row, and the reason; names are shown to the person who imports and stored nowhere.
        merged: rows that repeat another row, and which.
        splits_given: whether the layout divides the images; else they are divided by patient.
        notes: decisions, one sentence each, without names.
        problem: a sentence when nothing can be imported as things stand, else "".
        source: id of the source that made the plan.
        modality: of the images, where the source knows it; else "".
        licence: of images whose row gives none, where the layout implies it (a public set's own licence); else "".
        attribution: whom to name when an image is shown, where the source knows it.
        mask_labels: value of a mask to the structure's name, where the source knows them.
        classes: label as the table gives it to (label as stored, number of images); an empty stored label is left out.
    """

    root: Path
    metadata: Path | None
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    stored: Mapping[str, str]
    unused: tuple[str, ...]
    images: tuple[PlannedImage, ...]
    left_out: tuple[tuple[str, str], ...]
    merged: tuple[tuple[str, str], ...]
    splits_given: bool
    notes: tuple[str, ...]
    problem: str = ""
    source: str = "image-table"
    modality: str = ""
    licence: str = ""
    attribution: str = ""
    mask_labels: Mapping[int, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What a person may say about an import beside the folder; every source reads what concerns it.

    Attributes:
        metadata: the table, relative to the folder or not; None lets the source look; "" for none.
        mapping: field to column where the guess is wrong; "" leaves a field empty.
        keep: further columns to store.
        classes: label as the table gives it to the label to store; "" leaves images of that label out.
        choices: settings of the source itself, by the names in `Source.choices`; all text.
    """

    metadata: str | Path | None = None
    mapping: Mapping[str, str] | None = None
    keep: Sequence[str] = ()
    classes: Mapping[str, str] | None = None
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A setting of a source: shown as a select box, or on the command line as --choose NAME=VALUE.

    Attributes:
        name: lower-case word.
        title: for people, sentence case.
        values: allowed values, the default first; empty for free text.
        help: one sentence.
    """

    name: str
    title: str
    values: tuple[str, ...]
    help: str


@dataclass(frozen=True)
class Recognition:
    """Why a source believes that a folder is its own.

    Attributes:
        confidence: 0 to 1; a layout of its own files (a public set's table) is surer than "there are images".
        why: one sentence for the person who imports, without names of patients.
    """

    confidence: float
    why: str


@dataclass(frozen=True)
class Source:
    """A layout that can be imported.

    Attributes:
        id: lower-case name, as in --source ID.
        title: for people, for example "NIH ChestX-ray14".
        describes: one sentence: what the folder has to hold.
        recognise: from the files of a folder; None when it is not this layout. Fast: names and the head of a table.
        plan: what an import would do. Raises DatasetError when the folder cannot be read at all.
        choices: settings of its own.
    """

    id: str
    title: str
    describes: str
    recognise: Callable[[FolderIndex], Recognition | None]
    plan: Callable[[FolderIndex, Options], ImportPlan]
    choices: tuple[Choice, ...] = ()


SOURCES: Registry[Source] = Registry("source")
"""Filled by the modules of `lab.data.sources`; see `lab.data.sources.registry`."""


def register(source: Source) -> Source:
    """Register a source under its id."""
    return SOURCES.register(source.id)(source)
