"""Source: a folder with a table of its images; columns are guessed from the header and can be corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.patient_notes import NO_PATIENTS
from lab.data.sources.contract import ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.splits import canonical_patient, canonical_split, patients_in_two_splits
from lab.data.tabular.columns import guess_mapping, kept_columns, unused_columns
from lab.data.tabular.tables import Table, read_table
from lab.errors import DatasetError


def table_path(files: FolderIndex, metadata: str | Path | None) -> Path | None:
    """The table: the one named, or metadata.csv of the folder, or its only CSV; None where there is none.

    Raises:
        DatasetError: when a table is named that is not there.
    """
    if metadata is None:
        tables = sorted(
            path for name, path in files.by_path.items() if "/" not in name and name.lower().endswith(".csv")
        )
        usual = [path for path in tables if path.name.lower() == "metadata.csv"]
        return usual[0] if usual else tables[0] if len(tables) == 1 else None
    if str(metadata) == "":
        return None
    given = Path(metadata).expanduser()
    for path in (files.root / given, given):
        if path.is_file():
            return path.resolve()
    raise DatasetError("There is no CSV file of that name; nothing was imported; check the path.")


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder with metadata.csv, or with one CSV."""
    if table_path(files, None) is None:
        return None
    return Recognition(0.3, "it holds one table, which names the images")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """One row an image, as the table says.

    Raises:
        DatasetError: when there is no table, it cannot be read, or the mapping names what does not exist.
    """
    path = table_path(files, options.metadata)
    if path is None:
        raise DatasetError(
            "There is no CSV to take the images from; nothing was imported; name one, or choose another source."
        )
    table = read_table(path)
    mapping = guess_mapping(table.columns, options.mapping)
    stored = kept_columns(table.columns, mapping, options.keep)
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
    splits_given, split_note, split_problem = _given_splits(images, mapping, options.mapping)
    unused = unused_columns(table.columns, mapping, stored)
    notes = [*table.notes, *([split_note] if split_note else []), *_row_notes(images, merged)]
    notes += _file_notes(images, files, unused, bool(problem))
    return ImportPlan(
        files.root, path, table.columns, mapping, stored, unused, tuple(images), tuple(left_out),
        tuple(merged), splits_given, tuple(notes), problem or split_problem, "image-table",
    )  # fmt: skip


def _file_notes(
    images: Sequence[PlannedImage], files: FolderIndex, unused: Sequence[str], impossible: bool
) -> list[str]:
    """Notes on files that no row names, and on columns that are not stored."""
    notes = []
    unnamed = len(files.images()) - len({image.file for image in images})
    if unnamed > 0 and not impossible:
        notes.append(
            f"Image files of the folder that the CSV does not name and that were not read: {unnamed}."
        )
    if unused:
        notes.append(f"Columns that were not stored: {', '.join(map(shown_name, unused[:30]))}.")
    return notes


def _row_notes(images: Sequence[PlannedImage], merged: Sequence[tuple[str, str]]) -> list[str]:
    """Notes on absent patient ids, on repeated rows and on masks that are named and not there."""
    notes = [] if not images or any(image.fields.get("patient_id") for image in images) else [NO_PATIENTS]
    notes += [f"Rows that repeat another row and were kept once: {len(merged)}."] if merged else []
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
    shown = shown_name(files.name_of(path))
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


register(
    Source(
        "image-table",
        "Folder with a table",
        "A CSV (metadata.csv, or the only one) with one row an image, beside PNG, JPEG or TIFF files.",
        recognise,
        plan,
    )
)
