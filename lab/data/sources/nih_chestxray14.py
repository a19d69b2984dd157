"""NIH ChestX-ray14: the entry table, the published lists, and bounding boxes where they are there."""

from __future__ import annotations

import re
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, plain_number, table
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.splits import HELD_OUT, TEST, TRAIN, split_by_patient
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.table_columns import Row, has_columns, open_columns
from lab.errors import DatasetError

LICENCE = (
    "NIH Clinical Center: no restriction on use; cite Wang et al. CVPR 2017 and link to the NIH download site"
)
ABOUT = About(
    "nih-chestxray14", "chest radiograph", LICENCE, "NIH Clinical Center, ChestX-ray14 (Wang et al., CVPR 2017)"
)  # fmt: skip
_ENTRIES = r"data_entry_2017(_v2020)?\.csv(\.gz)?"
_LISTS = {TRAIN: r"train_val_list(_nih)?\.txt", TEST: r"test_list(_nih)?\.txt"}
_WANTED = {
    "image": ("Image Index",), "label": ("Finding Labels",), "patient_id": ("Patient ID",),
    "age": ("Patient Age",), "sex": ("Patient Gender", "Patient Sex"), "view": ("View Position",),
    "followup": ("Follow-up #",), "spacing": ("OriginalImagePixelSpacing[x",),
}  # fmt: skip
_BOX = {
    "image": ("Image Index",), "label": ("Finding Label",), "x": ("Bbox [x",), "y": ("y",), "w": ("w",), "h": ("h]",),
}  # fmt: skip
_DIVISION = Choice(
    "division",
    "Division",
    ("published lists, test list halved", "published lists", "by patient"),
    "Halved: the patients of the test list are divided into held-out and test, so that privacy has its control.",
)
_HALVED = _DIVISION.values[0]


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder with the entry table of the set."""
    path = table(files, _ENTRIES)
    if path is None or not has_columns(path, "Image Index", "Finding Labels", "Patient ID"):
        return None
    return Recognition(0.98, "it holds the entry table of NIH ChestX-ray14")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Say what an import would read."""
    path = table(files, _ENTRIES, options)
    if path is None:
        raise DatasetError(
            "The table Data_Entry_2017 is missing; nothing was imported; put it beside the image folders."
        )
    main = open_columns(path, _WANTED, options)
    gathered, pictures, boxes = Gathered(), Pictures(files), _boxes(files)
    names: list[str] = []
    for row in main.rows():
        found = pictures.find(row["image"]) if row["image"] else "it names no image; it was left out"
        if isinstance(found, str):
            gathered.leave_out(row["image"] or f"row {row.line}", found)
            continue
        names.append(row["image"])
        gathered.images.append(_image(found, row, boxes.get(row["image"], "")))
    gathered.ragged(main)
    if boxes:
        gathered.notes.append(
            "Bounding boxes are kept in the column boxes, as finding:x,y,width,height in px of the 1024 px film."
        )
    given = _divide(files, options, gathered, names)
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(
        ABOUT, files, main, gathered, options, preset=preset, splits_given=given, pictures=pictures
    )


def _image(file: Path, row: Row, boxes: str) -> PlannedImage:
    fields = {
        "patient_id": row["patient_id"],
        "label": row["label"],
        "labels": row["label"],
        "view": row["view"],
        "sex": row["sex"],
        "age": plain_number(row["age"]),
        "licence": LICENCE,
    }
    extra = {"followup": row["followup"], "original_spacing_mm": row["spacing"], "boxes": boxes, **row.kept}
    return PlannedImage(file, file.name, fields, extra)


def _boxes(files: FolderIndex) -> dict[str, str]:
    """Boxes by film: "Mass:225,547,87,79", several joined by "; "."""
    path = table(files, r"bbox_list_2017\.csv(\.gz)?")
    if path is None:
        return {}
    found: dict[str, list[str]] = {}
    for row in open_columns(path, _BOX).rows():
        sides = [row[name] for name in ("x", "y", "w", "h")]
        if all(re.fullmatch(r"\d+(\.\d+)?", side) for side in sides):
            whole = ",".join(str(round(float(side))) for side in sides)
            found.setdefault(row["image"], []).append(f"{row['label']}:{whole}")
    return {name: "; ".join(boxes) for name, boxes in found.items()}


def _divide(files: FolderIndex, options: Options, gathered: Gathered, names: list[str]) -> bool:
    """Give the images their split by the published lists; `False` where they are divided by patient instead."""
    wanted = choice_of(SOURCE, options, _DIVISION.name)
    paths = {split: table(files, pattern) for split, pattern in _LISTS.items()}
    if wanted == "by patient" or not all(paths.values()):
        return False
    listed: dict[str, str] = {}
    for split, path in paths.items():
        if path is not None:
            listed |= dict.fromkeys(path.read_text("utf-8", errors="replace").split(), split)
    splits = [listed.get(name, "") for name in names]
    if not all(splits):
        gathered.notes.append("Some films stand in neither published list, so all are divided by patient.")
        return False
    if wanted == _HALVED:
        patients = [image.fields["patient_id"] for image in gathered.images]
        tested = [patient for patient, split in zip(patients, splits, strict=True) if split == TEST]
        halves = split_by_patient(tested, (0.0, 0.5, 0.5)) if tested else {}
        splits = [
            halves[patient] if split == TEST else split
            for patient, split in zip(patients, splits, strict=True)
        ]
        gathered.notes.append(
            f"The published training list is train; the patients of the test list are divided into {HELD_OUT} and test."
        )
    gathered.images = [
        PlannedImage(image.file, image.name, {**image.fields, "split": split}, image.extra)
        for image, split in zip(gathered.images, splits, strict=True)
    ]
    return True


SOURCE = register(
    Source(
        "nih-chestxray14",
        "NIH ChestX-ray14",
        "Data_Entry_2017.csv (or its 2020 version), the image folders, and if there the lists and BBox_List_2017.csv.",
        recognise,
        plan,
        (_DIVISION, CLASS_MAP, LIMIT, SEED),
    )
)
