"""Which column of a stranger's CSV holds what: guessed from usual names, every guess can be overridden."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lab.errors import DatasetError

FIELDS: Mapping[str, tuple[str, ...]] = {
    "image": (
        "image", "image_path", "image_file", "file_path", "filepath", "path", "file", "filename", "file_name",
        "image_id", "image_index", "image_name", "img", "img_path", "isic_id", "dicom_id",
    ),
    "patient_id": (
        "patient_id", "patientid", "patient", "subject_id", "subjectid", "subject", "participant_id",
        "case_id", "lesion_id",
    ),
    "label": (
        "label", "class", "class_name", "diagnosis", "dx", "finding_labels", "finding", "category",
        "pathology", "target",
        "labels", "findings",
    ),
    "labels": ("labels", "finding_labels", "findings", "all_labels"),
    "caption": (
        "caption", "text", "prompt", "report", "impression", "annotated_prompt", "description",
        "clinical_notes",
    ),
    "mask": ("mask", "mask_path", "mask_file", "segmentation", "segmentation_path"),
    "view": ("view", "view_position", "viewposition", "projection"),
    "sex": ("sex", "gender", "patient_gender", "patient_sex"),
    "age": ("age", "patient_age", "age_approx", "age_years"),
    "vendor": ("vendor", "manufacturer", "scanner", "scanner_vendor"),
    "split": ("split", "subset", "partition", "set"),
    "licence": ("licence", "license", "rights"),
}  # fmt: skip
"""Fields of the manifest a CSV can fill, with the names they usually have, best first."""

GROUPING = frozenset({
    "label_name", "phase", "slice", "n_slices", "frame", "localization", "dx_type", "followup", "offset_days",
    "side", "size", "lobe", "finding", "severity", "site", "position", "image_type",
})  # fmt: skip
"""Further columns that are kept without being asked for: they describe images and name nobody."""


def normal_name(name: str) -> str:
    """A column name in lower case with single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def guess_mapping(columns: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Field to column.

    Args:
        columns: the header.
        given: field to column, or to "" for a field that is to stay empty; wins over every guess.

    Raises:
        DatasetError: when `given` names an unknown field or a column the CSV does not have.
    """
    given = dict(given or {})
    names = list(columns)
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise DatasetError(
            f"There is no field called {unknown[0][:40]}; nothing was imported; fields are: "
            f"{', '.join(FIELDS)}."
        )
    absent = sorted(field for field, column in given.items() if column and column not in names)
    if absent:
        raise DatasetError(
            f"The CSV lacks the column given for {absent[0]}; nothing was imported; choose one it has."
        )
    by_name = {normal_name(name): name for name in reversed(names) if name}
    mapping: dict[str, str] = {}
    for field, synonyms in FIELDS.items():
        column = given[field] if field in given else next((by_name[s] for s in synonyms if s in by_name), "")
        if column:
            mapping[field] = column
    return mapping


def kept_columns(columns: Iterable[str], mapping: Mapping[str, str], keep: Iterable[str]) -> dict[str, str]:
    """Further columns that are stored: column to its name in the manifest.

    Everything else stays outside, because free columns of a hospital table often name people and files.
    """
    wanted = {normal_name(name) for name in keep}
    used = {*mapping.values(), *FIELDS} - {""}
    stored: dict[str, str] = {}
    for column in columns:
        name = normal_name(column)
        if column and column not in used and name not in used and (name in GROUPING or name in wanted):
            stored[column] = name
    return stored


def unused_columns(
    columns: Iterable[str], mapping: Mapping[str, str], stored: Mapping[str, str]
) -> tuple[str, ...]:
    """Columns that are neither a field nor kept."""
    return tuple(c for c in columns if c and c not in mapping.values() and c not in stored)
