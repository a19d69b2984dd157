"""MIMIC-CXR-JPG: four tables joined, the 14 CheXpert findings, views, the published split, and captions if wanted."""

from __future__ import annotations

from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, joined, table
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.splits import canonical_split
from lab.data.tabular.chexpert import FINDINGS, UNCERTAIN, labels_of
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.mimic_reports import CAPTIONS, Reports
from lab.data.tabular.table_columns import Row, has_columns, open_columns
from lab.errors import DatasetError

LICENCE = "PhysioNet Credentialed Health Data License 1.5.0"
NOTICE = (
    "Credentialed data: only people who signed its data-use agreement may see films, reports or ids; the images are "
    "never shown in public and must not be passed on."
)
ABOUT = About(
    "mimic-cxr",
    "chest radiograph",
    LICENCE,
    "MIMIC-CXR-JPG, PhysioNet (Johnson et al.), credentialed access",
)
_METADATA = r"mimic-cxr-2\.\d\.\d-metadata\.csv(\.gz)?"
_SPLIT = r"mimic-cxr-2\.\d\.\d-split\.csv(\.gz)?"
_LABELS = {name: rf"mimic-cxr-2\.\d\.\d-{name}\.csv(\.gz)?" for name in ("chexpert", "negbio")}
_WANTED = {
    "image": ("dicom_id",), "patient_id": ("subject_id",), "study": ("study_id",), "view": ("ViewPosition",),
}  # fmt: skip
_FRONTAL = ("PA", "AP")
_UNKNOWN: list[str] = []
_LABELLER = Choice("labels", "Labels from", ("chexpert", "negbio", "none"), "Which table gives the findings.")
_VIEWS = Choice("views", "Views", ("all", "frontal only"), "Frontal films are those taken PA or AP.")
_DIVISION = Choice(
    "division",
    "Division",
    ("published", "by patient"),
    "The published list (its validation part is held out), or a new division by patient.",
)


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder with the metadata table of the set."""
    path = table(files, _METADATA)
    if path is None or not has_columns(path, "dicom_id", "subject_id", "study_id"):
        return None
    return Recognition(0.98, "it holds the metadata table of MIMIC-CXR-JPG")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Join the tables and say what an import would read."""
    path = table(files, _METADATA, options)
    if path is None:
        raise DatasetError(
            "The metadata table of MIMIC-CXR-JPG is missing; nothing was imported; put it beside the folder of films."
        )
    main = open_columns(path, _WANTED, options)
    gathered = Gathered(notes=[NOTICE, "File names are DICOM ids of MIMIC and are not stored."])
    studies = _studies(files, options, gathered, choice_of(SOURCE, options, UNCERTAIN.name))
    splits = _splits(files, options)
    reports = Reports(files, choice_of(SOURCE, options, CAPTIONS.name))
    gathered.notes += reports.notes
    frontal = choice_of(SOURCE, options, _VIEWS.name) == "frontal only"
    pictures, other_views, unsure = Pictures(files), 0, 0
    for row in main.rows():
        found = pictures.find(row["image"]) if row["image"] else "it names no image; it was left out"
        if isinstance(found, str):
            gathered.leave_out(row["image"] or f"row {row.line}", found)
            continue
        if frontal and row["view"].upper() not in _FRONTAL:
            other_views += 1
            continue
        labels = studies.get(row["study"], _UNKNOWN)
        if labels is None:
            unsure += 1
            continue
        gathered.images.append(_image(found, row, labels, splits.get(row["image"], ""), reports))
    gathered.ragged(main)
    gathered.notes += [f"Films of other views that were left out: {other_views:,}."] if other_views else []
    gathered.notes += [f"Films with an uncertain finding that were left out: {unsure:,}."] if unsure else []
    given = bool(splits) and all(image.fields["split"] for image in gathered.images)
    if splits and not given:
        gathered.notes.append("Some films stand in no published split, so all are divided by patient.")
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(
        ABOUT, files, main, gathered, options, preset=preset, splits_given=given, pictures=pictures
    )


def _image(file: Path, row: Row, labels: list[str], split: str, reports: Reports) -> PlannedImage:
    fields = {
        "patient_id": row["patient_id"],
        "label": joined(labels),
        "labels": joined(labels),
        "view": row["view"],
        "split": split,
        "caption": reports.caption(file, row["patient_id"], row["study"], row["image"]),
        "licence": LICENCE,
    }
    return PlannedImage(file, file.name, fields, {"study": row["study"], **row.kept})


def _studies(
    files: FolderIndex, options: Options, gathered: Gathered, uncertain: str
) -> dict[str, list[str] | None]:
    """Labels by study as `labels_of` gives them, from the chosen table or the other where only that is there."""
    wanted = choice_of(SOURCE, options, _LABELLER.name)
    if wanted == "none":
        return {}
    order = (wanted, *(name for name in _LABELS if name != wanted))
    path = next((found for name in order if (found := table(files, _LABELS[name]))), None)
    if path is None:
        gathered.notes.append("Neither the CheXpert nor the NegBio table is there: the films have no labels.")
        return {}
    if wanted not in path.name:
        gathered.notes.append(f"The {wanted} table is not there; the labels are those of the other one.")
    source = open_columns(path, {"study": ("study_id",), **{name: (name,) for name in FINDINGS}})
    absent = [name for name in FINDINGS if name not in source.found]
    if absent:
        gathered.notes.append(f"Findings that the label table does not have: {', '.join(absent)}.")
    return {row["study"]: labels_of(row.cells, uncertain) for row in source.rows()}


def _splits(files: FolderIndex, options: Options) -> dict[str, str]:
    """Published split by film, {} where there is none or another division is wanted."""
    path = table(files, _SPLIT)
    if path is None or choice_of(SOURCE, options, _DIVISION.name) != "published":
        return {}
    source = open_columns(path, {"image": ("dicom_id",), "split": ("split",)})
    return {row["image"]: canonical_split(row["split"]) or "" for row in source.rows()}


SOURCE = register(
    Source(
        "mimic-cxr",
        "MIMIC-CXR-JPG",
        "The tables mimic-cxr-2.0.0-metadata, -split and -chexpert (CSV or CSV in gzip) and the folder files/.",
        recognise,
        plan,
        (_LABELLER, UNCERTAIN, _VIEWS, _DIVISION, CAPTIONS, CLASS_MAP, LIMIT, SEED),
    )
)
