"""Source: a folder of images without a table; names of subfolders are labels or splits."""

from __future__ import annotations

from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.patient_notes import NO_PATIENTS
from lab.data.sources.contract import ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.splits import canonical_split
from lab.errors import DatasetError

_MAX_LABELS = 50
_NOT_LABELS = ("images", "img", "data")


def recognise(files: FolderIndex) -> Recognition | None:
    """Any folder with image files; the least sure of all sources."""
    if not files.images():
        return None
    return Recognition(0.1, "it holds image files and no table")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Labels and splits from the names of subfolders.

    Raises:
        DatasetError: when columns of a table are mapped.
    """
    if options.mapping:
        raise DatasetError(
            "There is no CSV to map columns of; nothing was imported; name one or leave the mapping out."
        )
    found = files.images()
    folders = {name: tuple(name.split("/")[:-1]) for name in found}
    split_of = {parts: _split(parts) for parts in set(folders.values())}
    label_of = {parts: _label(parts) for parts in split_of}
    splits_given = bool(found) and all(split_of.values()) and len(set(split_of.values())) > 1
    notes = [NO_PATIENTS]
    if len(set(label_of.values())) > min(_MAX_LABELS, max(2, len(found) // 2)):
        # One folder a patient is as common as one folder a finding, and its name may be a person's.
        label_of = dict.fromkeys(label_of, "")
        notes.append(
            "There are too many subfolders for their names to be labels, so no label was taken from them."
        )
    images = tuple(
        PlannedImage(
            path, shown_name(name), {"label": label_of[folders[name]], "split": split_of[folders[name]]}
        )
        for name, path in found.items()
    )
    problem = (
        "" if images else "The folder holds no image files; nothing was imported; choose another folder."
    )
    return ImportPlan(
        files.root, None, (), {}, {}, (), images, (), (), splits_given, tuple(notes), problem, "image-folder"
    )


def _split(parts: tuple[str, ...]) -> str:
    return next((split for part in parts if (split := canonical_split(part))), "")


def _label(parts: tuple[str, ...]) -> str:
    named = [part for part in parts if canonical_split(part) is None and part.lower() not in _NOT_LABELS]
    return named[-1] if named else ""


register(
    Source(
        "image-folder",
        "Folder of images",
        "PNG, JPEG and TIFF files; names of subfolders are labels, or train, validation and test.",
        recognise,
        plan,
    )
)
