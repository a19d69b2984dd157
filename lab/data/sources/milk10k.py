"""MILK10k: a close-up and a dermoscopic picture of each lesion, eleven classes as one column each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, plain_number, table, tables
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.one_hot import class_columns, hot_class
from lab.data.tabular.table_columns import Row, has_columns, open_columns, read_header
from lab.errors import DatasetError

LICENCE = "CC BY-NC 4.0"
ABOUT = About("milk10k", "dermoscopy", LICENCE, "MILK10k, ISIC Archive (MILK study team)")
_METADATA = r"(milk10k_\w*metadata|metadata)\.csv(\.gz)?"
_TRUTH = r"(milk10k_\w*groundtruth|\w*(ground_?truth|_gt)|gt)\.csv(\.gz)?"
_WANTED = {
    "image": ("isic_id",), "patient_id": ("lesion_id",), "image_type": ("image_type",),
    "licence": ("copyright_license", "license"), "age": ("age_approx", "age"), "sex": ("sex",),
    "site": ("site", "anatom_site_general"), "skin_tone": ("skin_tone_class", "skin_tone"),
}  # fmt: skip
_TYPE = Choice(
    "image_type",
    "Pictures",
    ("dermoscopic only", "clinical close-up", "both"),
    "Each lesion has one picture of either kind; both stay in one split.",
)


def recognise(files: FolderIndex) -> Recognition | None:
    """Metadata with lesion, picture and its kind, and a ground truth by lesion."""
    path = _metadata(files)
    if path is None:
        return None
    named = "milk10k" in path.name.lower()
    if not named and _truth(files) is None:
        return None
    return Recognition(
        0.97 if named else 0.9, "it holds the metadata of MILK10k: two kinds of pictures a lesion"
    )


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Say what an import would read."""
    path = table(files, _METADATA, options) if options.metadata else _metadata(files)
    if path is None:
        raise DatasetError(
            "The metadata of MILK10k is missing; nothing was imported; put it beside the pictures."
        )
    main = open_columns(path, _WANTED, options)
    gathered = Gathered(notes=["A lesion counts as a patient: its pictures stand in one split."])
    labels = _labels(files, gathered)
    wanted = choice_of(SOURCE, options, _TYPE.name)
    pictures, other = Pictures(files), 0
    for row in main.rows():
        kind = _kind(row["image_type"])
        if wanted != "both" and kind != wanted.removesuffix(" only"):
            other += 1
            continue
        found = pictures.find(row["image"]) if row["image"] else "it names no picture; it was left out"
        if isinstance(found, str):
            gathered.leave_out(row["image"] or f"row {row.line}", found)
            continue
        gathered.images.append(_image(found, row, kind, labels.get(row["patient_id"], "")))
    gathered.ragged(main)
    gathered.notes += [f"Pictures of the other kind that were left out: {other:,}."] if other else []
    unlabelled = sum(not image.fields["label"] for image in gathered.images)
    if labels and unlabelled:
        gathered.notes.append(f"Pictures of lesions without one class in the ground truth: {unlabelled:,}.")
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(ABOUT, files, main, gathered, options, preset=preset, pictures=pictures)


def _image(file: Path, row: Row, kind: str, label: str) -> PlannedImage:
    fields = {
        "patient_id": row["patient_id"],
        "label": label,
        "view": kind,
        "sex": row["sex"],
        "age": plain_number(row["age"]),
        "licence": row["licence"] or LICENCE,
    }
    extra = {"image_type": kind, "localization": row["site"], "skin_tone": row["skin_tone"], **row.kept}
    return PlannedImage(file, file.name, fields, extra)


def _kind(text: str) -> str:
    lowered = text.lower()
    return "dermoscopic" if "derm" in lowered else "clinical close-up" if lowered else ""


def _metadata(files: FolderIndex) -> Path | None:
    found = [
        path for path in tables(files, _METADATA) if has_columns(path, "isic_id", "lesion_id", "image_type")
    ]
    return next((path for path in found if "training" in path.name.lower()), found[0] if found else None)


def _truth(files: FolderIndex) -> Path | None:
    return next(
        (
            path
            for path in tables(files, _TRUTH)
            if has_columns(path, "lesion_id") and class_columns(read_header(path)[0])
        ),
        None,
    )


def _labels(files: FolderIndex, gathered: Gathered) -> Mapping[str, str]:
    """Class by lesion."""
    path = _truth(files)
    if path is None:
        gathered.notes.append("There is no ground truth by lesion, so the pictures have no labels.")
        return {}
    classes = class_columns(read_header(path)[0])
    source = open_columns(path, {"lesion": ("lesion_id",), **classes})
    return {row["lesion"]: hot_class(row.cells, tuple(classes)) for row in source.rows()}


SOURCE = register(
    Source(
        "milk10k",
        "MILK10k",
        "MILK10k_Training_Metadata.csv, MILK10k_Training_GroundTruth.csv and the folder of pictures.",
        recognise,
        plan,
        (_TYPE, CLASS_MAP, LIMIT, SEED),
    )
)
