"""Import of a folder: every good image copied under an opaque name without metadata, every bad one listed.

The dataset appears whole or not at all: it is written into a hidden folder and renamed at the end. Names of
original files are in the report for the person who imports and nowhere else. Patient ids are kept as the CSV
gives them, because a researcher needs them; they are never part of a URL, a log line or an exported report.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab.atomic import write_json
from lab.config import settings
from lab.data import licences, manifest
from lab.data.card import ORIGINS, DatasetCard, check_id
from lab.data.control_folder import with_control
from lab.data.copying import Copied, OnProgress, copy_images
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.import_plan import ImportPlan, plan_import
from lab.data.linked_patients import linked_groups
from lab.data.splits import (
    DEFAULT_FRACTIONS,
    SPLITS,
    check_fractions,
    check_splits,
    split_by_patient,
)
from lab.data.staging import refuse_taken, staging_folder
from lab.errors import DatasetError, InputError

Division = Callable[[Sequence[str]], Mapping[str, str]]


@dataclass(frozen=True)
class ImportReport:
    """What became of an import.

    Attributes:
        kept: number of images in the dataset.
        left_out: file name and reason, for the person who imports; stored nowhere.
        merged: file name and which image it repeats.
        notes: decisions, one sentence each, without names.
        unused: columns of the CSV that were not stored.
        dataset: the new dataset, opened.
    """

    kept: int
    left_out: tuple[tuple[str, str], ...]
    merged: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    unused: tuple[str, ...]
    dataset: Dataset


@dataclass(frozen=True)
class About:
    """What the files do not say: title, modality (guessed where empty), licence, attribution, origin."""

    title: str = ""
    modality: str = ""
    licence: str = ""
    attribution: str = ""
    origin: str = "real"


def add_folder(
    folder: str | Path,
    id: str,
    metadata: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    licence: str | None = None,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    *,
    keep: Sequence[str] = (),
    title: str = "",
    modality: str = "",
    attribution: str = "",
    origin: str = "real",
    assign: Callable[[str], str] | None = None,
    control: str | Path | None = None,
) -> ImportReport:
    """Import a folder of images, with or without a CSV.

    Args:
        folder: PNG, JPEG and TIFF files; without a CSV the subfolder names are the labels.
        id: id of the new dataset.
        metadata: CSV; by default metadata.csv of the folder, or its only CSV; "" for none.
        mapping: field to column where the guess is wrong; "" leaves a field empty.
        licence: licence of images whose row gives none.
        fractions: shares of patients in train, held-out and test where no division is given.
        seed: seed of that division.
        on_progress: called with images done and images in all, ten times a second and at the end; an
            exception from it ends the import and leaves nothing behind.
        keep: further columns to store.
        title: for people; the id by default.
        modality: guessed from the views by default.
        attribution: whom to name when an image is shown.
        origin: "real" or "phantom".
        assign: gives a patient id its split, instead of `fractions` and `seed`.
        control: a second folder, of other patients, that is held out whole; then all of `folder` is train.

    Raises:
        InputError: for a bad id, origin or fractions.
        DatasetError: when the id is taken, patients stand in two splits, or no image is readable.
        StoreError: when the disk is full.
    """
    check_fractions(fractions)
    if origin not in ORIGINS:
        raise InputError("The origin is neither real nor phantom; nothing was imported; choose one of them.")
    target = settings().datasets / check_id(id)
    refuse_taken(target)
    plan = plan_import(folder, metadata, mapping, keep)
    if control is not None:
        plan = with_control(plan, plan_import(control, None, mapping, keep))
    if plan.problem:
        raise DatasetError(plan.problem)
    division = _one_by_one(assign) if assign else _by_shares(fractions, seed)
    about = About(title, modality, licence or "", attribution, origin)
    with staging_folder(target) as staging:
        copied = copy_images(plan, staging, on_progress)
        if not copied.rows:
            reasons = len(copied.left_out) + len(plan.left_out)
            raise DatasetError(
                f"No image could be read ({reasons} were refused); nothing was imported; check the folder "
                f"and the CSV."
            )
        notes = [*plan.notes, *copied.notes, *_divide(copied, plan, division)]
        table = manifest.build(_finished(copied.rows, about.licence))
        check_splits(list(table["patient_id"]), list(table["split"]))
        notes += _split_notes(table)
        manifest.write(table, staging / MANIFEST)
        write_json(staging / CARD, _card(id, table, about, notes).as_json())
    left_out = (*plan.left_out, *copied.left_out)
    return ImportReport(
        len(table), left_out, (*plan.merged, *copied.merged), tuple(notes), plan.unused, Dataset(target)
    )


def _divide(copied: Copied, plan: ImportPlan, division: Division) -> list[str]:
    """Give each row its split, by patient; patients who share an equal file go together."""
    if plan.splits_given:
        return []
    group = linked_groups([str(row["patient_id"]) for row in copied.rows], copied.shared)
    assigned = division([group[str(row["patient_id"])] for row in copied.rows])
    for row in copied.rows:
        row["split"] = assigned[group[str(row["patient_id"])]]
    linked = sum(patient != name for patient, name in group.items())
    if not linked:
        return []
    return [f"Patient ids that share an equal image with another and went into its split: {linked}."]


def _by_shares(fractions: Sequence[float], seed: int) -> Division:
    return lambda patients: split_by_patient(patients, fractions, seed)


def _one_by_one(assign: Callable[[str], str]) -> Division:
    return lambda patients: {patient: assign(patient) for patient in patients}


def _finished(rows: list[dict[str, Any]], licence: str) -> list[Mapping[str, Any]]:
    done: list[Mapping[str, Any]] = []
    for row in rows:
        findings = re.split(r"\s*[|;]\s*", row.get("labels") or row.get("label") or "")
        done.append({
            **row, "labels": "|".join(finding for finding in findings if finding),
            "licence": row.get("licence") or licence,
        })  # fmt: skip
    return done


def _split_notes(table: pd.DataFrame) -> list[str]:
    empty = [split for split in SPLITS if not (table["split"] == split).any()]
    if "held-out" in empty or "train" in empty:
        return [
            f"The split {' and '.join(empty)} is empty: privacy numbers need both train and held-out images."
        ]
    return []


def _card(id: str, table: pd.DataFrame, about: About, notes: Sequence[str]) -> DatasetCard:
    edges = set(table["width"]) | set(table["height"])
    return DatasetCard(
        id=id,
        title=about.title or id,
        modality=about.modality or _modality(table),
        origin=about.origin,
        licence=licences.joined(table["licence"]),
        public=licences.all_public(table["licence"]),
        attribution=about.attribution,
        digest=manifest.content_digest(table),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        size=int(next(iter(edges))) if len(edges) == 1 else None,
        columns=tuple(str(name) for name in table.columns),
        images=len(table),
        patients=int(table["patient_id"].nunique()),
        splits={split: int((table["split"] == split).sum()) for split in SPLITS},
        notes=tuple(notes),
    )


def _modality(table: pd.DataFrame) -> str:
    views = {view.strip().lower() for view in table["view"] if view}
    if any("short-axis" in view or "cine" in view for view in views):
        return "cardiac MRI"
    if any("dermo" in view for view in views):
        return "dermoscopy"
    if any(re.match(r"(pa|ap|lateral|ll|l)\b", view) for view in views):
        return "chest radiograph"
    return "unknown"
