"""ISIC challenges of 2018, 2019, 2020 and 2024: ground truth, metadata and lesion groups joined by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, plain_number, table, tables
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.splits import HELD_OUT, TEST, TRAIN
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.columns import normal_name
from lab.data.tabular.one_hot import class_columns, hot_class
from lab.data.tabular.table_columns import Row, TableColumns, open_columns, read_header
from lab.errors import DatasetError

LICENCE = "CC BY-NC 4.0"
ABOUT = About("isic", "dermoscopy", LICENCE, "ISIC Archive, International Skin Imaging Collaboration")
_TABLES = r"(isic.*|train.*|test.*|valid.*)\.csv(\.gz)?"
_IMAGE = ("isic_id", "image_name", "image", "image_id")
_BINARY = ("benign_malignant", "target", "malignant")
_WANTED = {
    "image": _IMAGE, "patient_id": ("patient_id",), "lesion": ("lesion_id",), "age": ("age_approx", "age"),
    "sex": ("sex",),
    "localization": ("anatom_site_general", "anatom_site_general_challenge"), "binary": _BINARY,
    "diagnosis": ("diagnosis", "iddx_full"), "licence": ("copyright_license",), "image_type": ("image_type",),
}  # fmt: skip
_LABEL = Choice(
    "label",
    "Label",
    ("as given", "benign or malignant", "diagnosis"),
    "As given: the class of the ground truth, else benign or malignant. Diagnosis is the finer word of 2020 and 2024.",
)
_DIVISION = Choice(
    "division",
    "Division",
    ("by patient or lesion", "published"),
    "Published: training, validation (held out) and test parts, where their ground truths lie in the folder.",
)
_SPLITS = {"training": TRAIN, "train": TRAIN, "validation": HELD_OUT, "test": TEST}


@dataclass
class _Facts:
    """What all tables together say of an image."""

    cells: dict[str, str]
    split: str
    table: TableColumns


def recognise(files: FolderIndex) -> Recognition | None:
    """Tables of ISIC's names with an image column and a ground truth."""
    named = False
    for path in tables(files, _TABLES):
        header = _header(path)
        names = {normal_name(name) for name in header}
        if not names & set(_IMAGE) or not (class_columns(header) or names & set(_BINARY)):
            continue
        named |= path.name.lower().startswith("isic") or "isic_id" in names or "benign_malignant" in names
    return Recognition(0.95, "it holds the ground truth of an ISIC challenge") if named else None


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Join the tables and say what an import would read."""
    named = table(files, _TABLES, options) if options.metadata else None
    paths = [
        path for path in ([named] if named else tables(files, _TABLES)) if _has_image(_header(path), options)
    ]
    if not paths:
        raise DatasetError(
            "No table of the folder names ISIC images; nothing was imported; add the ground truth."
        )
    facts: dict[str, _Facts] = {}
    gathered, pictures, sources = Gathered(), Pictures(files, _is_picture), []
    for path in paths:
        sources.append(source := open_columns(path, _wanted(path), options))
        for row in source.rows():
            _take_in(facts, row, source)
        gathered.ragged(source)
    chosen = choice_of(SOURCE, options, _LABEL.name)
    for name, found in facts.items():
        file = pictures.find(name)
        if isinstance(file, str):
            gathered.leave_out(name, file)
        else:
            gathered.images.append(_image(file, found, chosen))
    given = _division(options, gathered)
    gathered.notes += list(_notes(gathered.images))
    main = max(sources, key=lambda source: len(source.found))
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(
        ABOUT, files, main, gathered, options, preset=preset, splits_given=given, pictures=pictures
    )


def _take_in(facts: dict[str, _Facts], row: Row, source: TableColumns) -> None:
    name = row["image"]
    if not name:
        return
    found = facts.setdefault(name, _Facts({}, "", source))
    for key, value in {**row.cells, **row.kept}.items():
        if value and not found.cells.get(key):
            found.cells[key] = value
    words = source.path.name.lower()
    truth = "binary" in source.found or class_columns(source.header)
    if truth and not found.split:
        found.split = next((split for word, split in _SPLITS.items() if word in words), "")


def _image(file: Path, found: _Facts, chosen: str) -> PlannedImage:
    cells = found.cells
    fields = {
        "patient_id": cells.get("patient_id") or cells.get("lesion", ""),
        "label": _label(cells, chosen),
        "view": cells.get("image_type") or "dermoscopic",
        "sex": cells.get("sex", ""),
        "age": plain_number(cells.get("age", "")),
        "split": found.split,
        "licence": cells.get("licence") or LICENCE,
    }
    extra = {"lesion": cells.get("lesion", ""), "localization": cells.get("localization", "")}
    extra |= {name: cells.get(name, "") for name in found.table.kept.values()}
    return PlannedImage(file, file.name, fields, extra)


def _label(cells: Mapping[str, str], chosen: str) -> str:
    binary = {"0": "benign", "1": "malignant", "0.0": "benign", "1.0": "malignant"}.get(
        cells.get("binary", ""), cells.get("binary", "")
    )
    if chosen == "benign or malignant":
        return binary
    if chosen == "diagnosis":
        return cells.get("diagnosis", "")
    return cells.get("label") or hot_class(cells, [key for key in cells if key.isupper()]) or binary


def _division(options: Options, gathered: Gathered) -> bool:
    if choice_of(SOURCE, options, _DIVISION.name) != "published":
        return False
    if all(image.fields["split"] for image in gathered.images):
        return True
    gathered.notes.append("Some images stand in no published part, so all are divided by patient or lesion.")
    return False


def _notes(images: list[PlannedImage]) -> Iterator[str]:
    alone = sum(not image.fields["patient_id"] for image in images)
    if alone:
        yield f"Images without patient or lesion id, each its own patient: {alone:,}."
    if any(image.extra["lesion"] == image.fields["patient_id"] != "" for image in images):
        yield "Where no patient is given a lesion counts as a patient: its images stand in one split."


def _wanted(path: Path) -> dict[str, tuple[str, ...]]:
    return {**_WANTED, **class_columns(_header(path))}


def _has_image(header: tuple[str, ...], options: Options) -> bool:
    return bool((options.mapping or {}).get("image")) or bool({normal_name(n) for n in header} & set(_IMAGE))


def _header(path: Path) -> tuple[str, ...]:
    try:
        return read_header(path)[0]
    except DatasetError:
        return ()


def _is_picture(name: str) -> bool:
    return "_segmentation" not in name.rsplit("/", 1)[-1] and "superpixels" not in name


SOURCE = register(
    Source(
        "isic",
        "ISIC challenges",
        "Ground truth and metadata tables of ISIC 2018, 2019, 2020 or 2024 and the folders of images.",
        recognise,
        plan,
        (_LABEL, _DIVISION, CLASS_MAP, LIMIT, SEED),
    )
)
