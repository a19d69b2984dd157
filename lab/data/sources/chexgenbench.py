"""CheXGenBench's real side: LLaVA-Rad's annotation tables and the 20K training table over MIMIC films."""

from __future__ import annotations

from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, Pictures, choice_of, finished, joined, table, tables
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Recognition, Source, register
from lab.data.sources.mimic_cxr import LICENCE, NOTICE
from lab.data.splits import TEST, TRAIN
from lab.data.tabular.chexpert import UNCERTAIN, labels_of, parse_labels
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.mimic_reports import ANNOTATIONS
from lab.data.tabular.table_columns import Row, has_columns, open_columns
from lab.errors import DatasetError

ABOUT = About(
    "chexgenbench", "chest radiograph", LICENCE,
    "MIMIC-CXR-JPG with LLaVA-Rad annotations, PhysioNet, credentialed access",
)  # fmt: skip
_WANTED = {
    "image": ("path", "image_path"), "patient_id": ("patientID", "subject_id"), "findings": ("chexpert_labels",),
    "prompt": ("annotated_prompt",), "impression": ("impression",), "view": ("view",),
}  # fmt: skip
_CAPTIONS = Choice(
    "captions",
    "Captions from",
    ("annotated prompt", "impression", "none"),
    "Text of the reports is patient data; it stays on this machine.",
)
_KEYS = {"annotated prompt": "prompt", "impression": "impression", "none": ""}


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder with one of the annotation tables."""
    found = [path for path in tables(files, ANNOTATIONS) if has_columns(path, "path", "annotated_prompt")]
    if not found or table(files, r"mimic-cxr-2\.\d\.\d-metadata\.csv(\.gz)?"):
        return None  # with the set's own tables beside them, these only give captions
    return Recognition(0.96, "it holds the annotation tables that CheXGenBench takes its real films from")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Say what an import would read."""
    named = table(files, ANNOTATIONS, options) if options.metadata else None
    paths = [named] if named else tables(files, ANNOTATIONS)
    if not paths:
        raise DatasetError(
            "No annotation table is in the folder; nothing was imported; add LLAVARAD_ANNOTATIONS_TRAIN.csv."
        )
    gathered, pictures = Gathered(notes=[NOTICE]), Pictures(files)
    uncertain = choice_of(SOURCE, options, UNCERTAIN.name)
    caption = _KEYS[choice_of(SOURCE, options, _CAPTIONS.name)]
    seen: dict[Path, str] = {}
    unsure, sources = 0, []
    for path in paths:
        sources.append(source := open_columns(path, _WANTED, options))
        split = TEST if "test" in path.name.lower() else TRAIN
        for row in source.rows():
            found = pictures.find(row["image"]) if row["image"] else "it names no film; it was left out"
            if isinstance(found, str):
                gathered.leave_out(row["image"] or f"row {row.line}", found)
                continue
            labels = labels_of(parse_labels(row["findings"]), uncertain)
            if found in seen:
                gathered.merged.append((found.name, f"row {row.line} of {path.name} repeats it"))
            elif labels is None:
                unsure += 1
            else:
                seen[found] = split
                gathered.images.append(_image(found, row, labels, split, caption))
        gathered.ragged(source)
    gathered.notes += [f"Films with an uncertain finding that were left out: {unsure:,}."] if unsure else []
    given = len(set(seen.values())) > 1
    if given:
        gathered.notes.append(
            "The published training and test tables are the division; no film is held out yet."
        )
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    return finished(
        ABOUT, files, sources[0], gathered, options, preset=preset, splits_given=given, pictures=pictures
    )


def _image(file: Path, row: Row, labels: list[str], split: str, caption: str) -> PlannedImage:
    fields = {
        "patient_id": row["patient_id"],
        "label": joined(labels),
        "labels": joined(labels),
        "view": row["view"],
        "split": split,
        "caption": row[caption] if caption else "",
        "licence": LICENCE,
    }
    return PlannedImage(file, file.name, fields, dict(row.kept))


SOURCE = register(
    Source(
        "chexgenbench",
        "CheXGenBench, real films",
        "LLAVARAD_ANNOTATIONS_TRAIN.csv and _TEST.csv, or training_data_20K.csv, and the MIMIC films they name.",
        recognise,
        plan,
        (_CAPTIONS, UNCERTAIN, CLASS_MAP, LIMIT, SEED),
    )
)
