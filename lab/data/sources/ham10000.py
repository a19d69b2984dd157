"""HAM10000: dermoscopy with one diagnosis an image; several images of a lesion stay in one split."""

from __future__ import annotations

from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, plain_number, table
from lab.data.sources.contract import ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.table_columns import Row, has_columns, open_columns
from lab.errors import DatasetError

LICENCE = "CC BY-NC 4.0"
ABOUT = About(
    "ham10000", "dermoscopy", LICENCE, "HAM10000 (Tschandl, Rosendahl, Kittler, Sci Data 2018), ViDIR"
)
_METADATA = r"ham10000_metadata(\.(csv|tab|tsv|txt))?(\.gz)?"
_WANTED = {
    "image": ("image_id", "isic_id"), "patient_id": ("lesion_id",), "label": ("dx", "diagnosis"), "age": ("age",),
    "sex": ("sex",), "dx_type": ("dx_type",), "localization": ("localization",), "dataset": ("dataset",),
}  # fmt: skip
_MASK = "_segmentation"


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder with the metadata table of the set."""
    path = table(files, _METADATA)
    if path is None or not has_columns(path, "image_id", "lesion_id", "dx"):
        return None
    return Recognition(0.98, "it holds the metadata table of HAM10000")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Say what an import would read."""
    path = table(files, _METADATA, options)
    if path is None:
        raise DatasetError(
            "The table HAM10000_metadata is missing; nothing was imported; put it beside the images."
        )
    main = open_columns(path, _WANTED, options)
    gathered = Gathered(notes=["A lesion counts as a patient: all its images stand in one split."])
    pictures = Pictures(files, lambda name: _MASK not in name.rsplit("/", 1)[-1])
    masks = {file.stem: file for file in files.by_path.values() if file.stem.endswith(_MASK)}
    for row in main.rows():
        found = pictures.find(row["image"]) if row["image"] else "it names no image; it was left out"
        if isinstance(found, str):
            gathered.leave_out(row["image"] or f"row {row.line}", found)
            continue
        gathered.images.append(_image(found, row, masks.get(f"{row['image']}{_MASK}")))
    gathered.ragged(main)
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(ABOUT, files, main, gathered, options, preset=preset, pictures=pictures)


def _image(file: Path, row: Row, mask: Path | None) -> PlannedImage:
    fields = {
        "patient_id": row["patient_id"],
        "label": row["label"],
        "view": "dermoscopic",
        "sex": row["sex"],
        "age": plain_number(row["age"]),
        "licence": LICENCE,
    }
    extra = {
        "dx_type": row["dx_type"],
        "localization": row["localization"],
        "part": row["dataset"],
        **row.kept,
    }
    return PlannedImage(file, file.name, fields, extra, mask)


SOURCE = register(
    Source(
        "ham10000",
        "HAM10000",
        "HAM10000_metadata (with or without .csv) and the folders of images; masks are taken where they are there.",
        recognise,
        plan,
        (CLASS_MAP, LIMIT, SEED),
    )
)
