"""What an import would do, before anything is copied: rows found, columns guessed, problems by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.data.columns import guess_mapping, kept_columns, unused_columns
from lab.data.folder_index import FolderIndex, shown_name
from lab.data.splits import canonical_patient, canonical_split, patients_in_two_splits
from lab.data.tables import Table, read_table
from lab.errors import DatasetError

_MAX_LABELS = 50
_NO_PATIENTS = (
    "No patient ids are given: every image counts as its own patient, so films of one person "
    "may stand in two splits."
)


@dataclass(frozen=True)
class PlannedImage:
    """One image to be copied: its file, its name as shown to the person who imports, fields, further
    columns."""

    file: Path
    name: str
    fields: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    mask: Path | None = None
    mask_missing: bool = False


@dataclass(frozen=True)
class ImportPlan:
    """A preview of an import.

    Attributes:
        root: the folder.
        metadata: the CSV, or `None` where labels come from subfolder names.
        columns: header of the CSV.
        mapping: field to column, guessed or given.
        stored: further columns that are kept, column to name.
        unused: columns that are not kept.
        images: what would be read.
        left_out: file or row, and the reason; names are shown to the person who imports and stored nowhere.
        merged: rows that repeat another row, and which.
        splits_given: whether the CSV or the folders divide the images; else they are divided by patient.
        notes: decisions, one sentence each, without names.
        problem: a sentence when nothing can be imported as things stand, else "".
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


def plan_import(
    folder: str | Path,
    metadata: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
) -> ImportPlan:
    """Look at a folder and its CSV.

    Args:
        folder: the folder; links that lead out of it are not followed.
        metadata: CSV, relative to the folder or not; by default metadata.csv of the folder, or its only CSV.
        mapping: field to column, see `lab.data.columns.FIELDS`; "" leaves a field empty.
        keep: further columns to store.

    Raises:
        DatasetError: when the folder or the CSV cannot be read at all, or the mapping names what does
        not exist.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise DatasetError("There is no folder of that name; nothing was imported; check the path.")
    files = FolderIndex(root)
    path = _table_path(root, metadata)
    if path is None:
        if mapping:
            raise DatasetError(
                "There is no CSV to map columns of; nothing was imported; name one or leave the mapping out."
            )
        return _plan_without_table(root, files)
    return _plan_with_table(root, path, read_table(path), files, mapping, keep)


def _table_path(root: Path, metadata: str | Path | None) -> Path | None:
    if metadata is None:
        tables = sorted(path for path in root.glob("*.csv") if not path.name.startswith("."))
        usual = [path for path in tables if path.name.lower() == "metadata.csv"]
        return usual[0] if usual else tables[0] if len(tables) == 1 else None
    if str(metadata) == "":
        return None
    given = Path(metadata).expanduser()
    for path in (root / given, given):
        if path.is_file():
            return path.resolve()
    raise DatasetError("There is no CSV file of that name; nothing was imported; check the path.")


def _plan_with_table(
    root: Path,
    path: Path,
    table: Table,
    files: FolderIndex,
    given: Mapping[str, str] | None,
    keep: Sequence[str],
) -> ImportPlan:
    mapping = guess_mapping(table.columns, given)
    stored = kept_columns(table.columns, mapping, keep)
    notes = list(table.notes)
    left_out = [
        (f"row {n}", "it has more or fewer cells than the header; it was left out") for n in table.ragged
    ]
    merged: list[tuple[str, str]] = []
    images: list[PlannedImage] = []
    problem = ""
    if "image" not in mapping:
        problem = (
            "No column of the CSV names the image files; nothing was imported; say which column does "
            "(image=COLUMN), and check the delimiter if there is only one column."
        )
    else:
        images, missing, merged = _collect(table, mapping, stored, files, path.parent)
        left_out += missing
    splits_given, split_note, split_problem = _given_splits(images, mapping, given)
    notes += [split_note] if split_note else []
    if images and not any(image.fields.get("patient_id") for image in images):
        notes.append(_NO_PATIENTS)
    notes += _row_notes(images, merged)
    unnamed = len(files.images()) - len({image.file for image in images})
    if unnamed > 0 and not problem:
        notes.append(
            f"Image files of the folder that the CSV does not name and that were not read: {unnamed}."
        )
    unused = unused_columns(table.columns, mapping, stored)
    if unused:
        notes.append(f"Columns that were not stored: {', '.join(map(shown_name, unused[:30]))}.")
    return ImportPlan(
        root, path, table.columns, mapping, stored, unused, tuple(images), tuple(left_out), tuple(merged),
        splits_given, tuple(notes), problem or split_problem,
    )  # fmt: skip


def _row_notes(images: Sequence[PlannedImage], merged: Sequence[tuple[str, str]]) -> list[str]:
    """Notes on repeated rows and on masks that are named and not there."""
    notes = [f"Rows that repeat another row and were kept once: {len(merged)}."] if merged else []
    absent = sum(image.mask_missing for image in images)
    if absent:
        notes.append(f"Masks that are named in the CSV and not in the folder, their images kept: {absent}.")
    return notes


def _collect(
    table: Table, mapping: Mapping[str, str], stored: Mapping[str, str], files: FolderIndex, base: Path
) -> tuple[list[PlannedImage], list[tuple[str, str]], list[tuple[str, str]]]:
    """Images, what is left out, what is merged. Rows that contradict each other leave their image out."""
    found: dict[Path, tuple[PlannedImage, int]] = {}
    conflicts: set[Path] = set()
    left_out: list[tuple[str, str]] = []
    merged: list[tuple[str, str]] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        name = row[mapping["image"]]
        if not name:
            left_out.append((f"row {line}", "it names no image; it was left out"))
            continue
        path = files.find(name, base)
        if isinstance(path, str):
            left_out.append((shown_name(name), path))
            continue
        image = _planned(path, row, mapping, stored, files, base)
        if path not in found:
            found[path] = (image, line)
        elif found[path][0] == image:
            merged.append((shown_name(name), f"row {line} repeats row {found[path][1]}; it was kept once"))
        else:
            conflicts.add(path)
            reason = (
                f"rows {found[path][1]} and {line} contradict each other; it was left out; correct one of "
                f"them"
            )
            left_out.append((shown_name(name), reason))
    return [image for path, (image, _) in found.items() if path not in conflicts], left_out, merged


def _planned(
    path: Path,
    row: Mapping[str, str],
    mapping: Mapping[str, str],
    stored: Mapping[str, str],
    files: FolderIndex,
    base: Path,
) -> PlannedImage:
    fields = {field: row[column] for field, column in mapping.items() if field not in ("image", "mask")}
    fields["patient_id"] = canonical_patient(fields.get("patient_id", ""))
    named = row.get(mapping.get("mask", ""), "")
    mask = files.find(named, base) if named else None
    extra = {name: row[column] for column, name in stored.items()}
    shown = shown_name(path.relative_to(files.root).as_posix())
    return PlannedImage(
        path, shown, fields, extra, mask if isinstance(mask, Path) else None, isinstance(mask, str)
    )


def _given_splits(
    images: Sequence[PlannedImage], mapping: Mapping[str, str], given: Mapping[str, str] | None
) -> tuple[bool, str, str]:
    """Whether the CSV's division is used, a note, and a problem that forbids the import."""
    if "split" not in mapping or not images:
        return False, "", ""
    splits = [canonical_split(image.fields["split"]) for image in images]
    unknown = sum(split is None for split in splits)
    if unknown and given and given.get("split"):
        return True, "", (
            f"{unknown} rows have a split other than train, held-out (validation) or test; nothing was "
            f"imported; "
            "correct them, or leave the split column out and the images are split by patient."
        )  # fmt: skip
    if unknown:
        return (
            False,
            "The split column holds other words than train, validation and test and was not used.",
            "",
        )
    known = [(image.fields["patient_id"], split or "") for image, split in zip(images, splits, strict=True)]
    named = [(patient, split) for patient, split in known if patient]
    twice = len(patients_in_two_splits([p for p, _ in named], [s for _, s in named]))
    if twice:
        stand = "patient stands" if twice == 1 else "patients stand"
        return True, "", (
            f"{twice} {stand} in more than one split; nothing was imported; give each patient one split, "
            "or leave the split column out and the images are split by patient."
        )  # fmt: skip
    return True, "The division into train, held-out (validation) and test is the one given.", ""


def _plan_without_table(root: Path, files: FolderIndex) -> ImportPlan:
    found = files.images()
    folders = {name: PurePosixPath(name).parts[:-1] for name in found}
    splits = {
        name: next((s for part in parts if (s := canonical_split(part))), "")
        for name, parts in folders.items()
    }
    splits_given = bool(found) and all(splits.values()) and len(set(splits.values())) > 1
    labels = {name: _folder_label(parts) for name, parts in folders.items()}
    notes = [_NO_PATIENTS]
    if len(set(labels.values())) > min(_MAX_LABELS, max(2, len(found) // 2)):
        # One folder a patient is as common as one folder a finding, and its name may be a person's.
        labels = dict.fromkeys(labels, "")
        notes.append(
            "There are too many subfolders for their names to be labels, so no label was taken from them."
        )
    images = tuple(
        PlannedImage(path, shown_name(name), {"label": labels[name], "split": splits[name]})
        for name, path in found.items()
    )
    problem = (
        "" if images else "The folder holds no image files; nothing was imported; choose another folder."
    )
    return ImportPlan(root, None, (), {}, {}, (), images, (), (), splits_given, tuple(notes), problem)


def _folder_label(parts: tuple[str, ...]) -> str:
    named = [
        part
        for part in parts
        if canonical_split(part) is None and part.lower() not in ("images", "img", "data")
    ]
    return named[-1] if named else ""
