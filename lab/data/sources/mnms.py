"""Source: M&Ms as published: a table of patients, one folder each with a cine and its labels; four vendors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.nifti.planning import LABELS, SLICES, TURN, Moment, VolumeFile, plan_of, take_apart
from lab.data.sources.contract import Choice, ImportPlan, Options, Recognition, Source, register
from lab.data.tabular.columns import normal_name
from lab.data.tabular.tables import Table, read_table
from lab.errors import DatasetError

ID = "mnms"
ATTRIBUTION = "M&Ms challenge (Campello et al., IEEE TMI 2021)"
VENDORS = {"A": "Siemens", "B": "Philips", "C": "GE", "D": "Canon"}
FRAMES = Choice("frames", "Frames", ("ED and ES", "ED", "ES"), "The two frames that the set labels.")
ORDER = Choice(
    LABELS.name, LABELS.title, ("mms", "acdc", "as stored"),
    "As published, 1 is the left ventricle; repacked copies exist in ACDC's order.",
)  # fmt: skip
DIVISION = Choice(
    "division", "Division", ("as published", "by patient"),
    "As published: training, validation (held-out here) and testing folders.",
)  # fmt: skip
_NEEDED = ("pathology", "vendor", "centre", "ed", "es")
_CODES = ("external_code", "externalcode", "subject", "patient", "code")
_CINE = re.compile(r"(?:^|/)([^/]+)_sa\.nii(\.gz)?\Z", re.IGNORECASE)
_SPLITS = {"training": "train", "validation": "held-out", "testing": "test", "test": "test"}


def recognise(files: FolderIndex) -> Recognition | None:
    """The set's table beside cines called CODE_sa."""
    if _table(files) is None:
        return None
    cines = sum(_CINE.search(name) is not None for name in files.by_path)
    return Recognition(0.96, f"it holds the table of M&Ms and {cines} short-axis cines") if cines else None


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Pathology as label, vendor by name, phases by the table, masks turned into this app's order.

    Raises:
        DatasetError: when the table is missing, or no process can be started.
    """
    choices = {choice.name: options.choices.get(choice.name) or choice.values[0] for choice in SOURCE.choices}
    found = _table(files)
    if found is None:
        raise DatasetError(
            "There is no table with Pathology, Vendor, Centre, ED and ES; nothing was imported; add the set's CSV."
        )
    path, table = found
    names = {normal_name(column): column for column in table.columns}
    code = next(names[name] for name in _CODES if name in names)
    rows = {row[code].strip().upper(): row for row in table.rows}
    volumes, left_out = [], []
    for name, image in sorted(files.by_path.items()):
        match = _CINE.search(name)
        if match is None:
            continue
        volume = _volume(files, name, image, rows.get(match[1].upper()), names, choices["frames"])
        if isinstance(volume, str):
            left_out.append((shown_name(name), volume))
        else:
            volumes.append(volume)
    published = choices["division"] == DIVISION.values[0] and all(v.fields["split"] for v in volumes)
    taken = take_apart(volumes, choices, "ED and ES")
    used = {
        code,
        *(names[name] for name in _NEEDED),
        *(names.get(n, "") for n in ("vendorname", "age", "sex")),
    }
    base = ImportPlan(
        files.root, path, table.columns, {}, {}, tuple(c for c in table.columns if c and c not in used), (),
        tuple(left_out), (), False, table.notes, attribution=ATTRIBUTION,
    )  # fmt: skip
    return plan_of(base, files, taken, ID, "cardiac MRI", published)


def _table(files: FolderIndex) -> tuple[Path, Table] | None:
    for name, path in sorted(files.by_path.items(), key=lambda item: (item[0].count("/"), item[0])):
        if not name.lower().endswith(".csv"):
            continue
        try:
            table = read_table(path)
        except DatasetError:
            continue
        columns = {normal_name(column) for column in table.columns}
        if columns >= set(_NEEDED) and columns & set(_CODES):
            return path, table
    return None


def _volume(
    files: FolderIndex,
    name: str,
    image: Path,
    row: Mapping[str, str] | None,
    names: Mapping[str, str],
    frames: str,
) -> VolumeFile | str:
    """The cine of a patient, or the reason why it is left out."""
    if row is None:
        return "the table has no row for it; it was left out; add the row"
    parts = [part.lower() for part in name.split("/")]
    mask = next((p for end in (".nii.gz", ".nii") if (p := files.by_path.get(_mask_name(name) + end))), None)
    if mask is None:
        return "it has no labels (the set's unlabelled part); it was left out"
    moments = []
    for column, phase in (("ed", "ED"), ("es", "ES")):
        text = row[names[column]].strip()
        if not re.fullmatch(r"[0-9]{1,4}", text):
            return f"the table does not say its frame of {phase}; it was left out; correct the row"
        if phase in frames.split(" and "):
            moments.append(Moment(int(text), int(text), phase))  # the set counts frames from 0
    vendor = row[names["vendor"]].strip()
    fields = {
        "patient_id": row_code(name), "label": row[names["pathology"]].strip(),
        "vendor": VENDORS.get(vendor.upper(), vendor), "view": "short-axis cine",
        "sex": _cell(row, names, "sex"), "age": _cell(row, names, "age"),
        "split": next((_SPLITS[part] for part in parts if part in _SPLITS), ""),
    }  # fmt: skip
    extra = {"centre": row[names["centre"]].strip()}
    return VolumeFile(image, shown_name(name), fields, extra, mask, tuple(moments))


def row_code(name: str) -> str:
    """The set's own code of a patient, from the path of its cine."""
    match = _CINE.search(name)
    return match[1].upper() if match else ""


def _mask_name(name: str) -> str:
    return re.sub(r"\.nii(\.gz)?\Z", "", name, flags=re.IGNORECASE) + "_gt"


def _cell(row: Mapping[str, str], names: Mapping[str, str], column: str) -> str:
    return row[names[column]].strip() if column in names else ""


SOURCE = register(
    Source(
        ID,
        "M&Ms",
        "The set's CSV (Pathology, Vendor, Centre, ED, ES) and folders CODE with CODE_sa.nii.gz and CODE_sa_gt.nii.gz.",
        recognise,
        plan,
        (SLICES, FRAMES, DIVISION, ORDER, TURN),
    )
)
