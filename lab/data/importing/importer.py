"""Import of a folder: every good image copied under an opaque name without metadata, every bad one listed.

The dataset appears whole or not at all: it is written into a hidden folder and renamed at the end. Names of
original files are in the report for the person who imports and nowhere else. Patient ids are kept as the CSV
gives them, because a researcher needs them; they are never part of a URL, a log line or an exported report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lab.atomic import write_json
from lab.config import settings
from lab.data import manifest
from lab.data.card import ORIGINS, check_id
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.importing.control_folder import with_control
from lab.data.importing.copying import Copied, OnProgress, copy_images
from lab.data.importing.new_card import About, new_card
from lab.data.importing.plan import plan_import
from lab.data.importing.staging import refuse_taken, staging_folder
from lab.data.linked_patients import linked_groups
from lab.data.sources.contract import ImportPlan
from lab.data.splits import (
    DEFAULT_FRACTIONS,
    SPLITS,
    check_fractions,
    check_splits,
    split_by_patient,
)
from lab.errors import DatasetError, InputError

if TYPE_CHECKING:
    from lab.data.preprocess.recipe import Recipe

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
    source: str | None = None,
    classes: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
    recipe: Recipe | None = None,
    key: str = "",
) -> ImportReport:
    """Import a folder of images, with or without a CSV.

    Args:
        folder: a folder in any layout a source knows, a zip of one, or a file of many images.
        id: id of the new dataset.
        metadata: CSV; by default metadata.csv of the folder, or its only CSV; "" for none.
        mapping: field to column where the guess is wrong; "" leaves a field empty.
        licence: licence of images whose row gives none.
        fractions: shares of patients in train, held-out and test where no division is given.
        seed: seed of that division, and of the recipe.
        on_progress: called with images done and images in all, ten times a second and at the end; an
            exception from it ends the import and leaves nothing behind.
        keep: further columns to store.
        title: for people; the id by default.
        modality: guessed from the views by default.
        attribution: whom to name when an image is shown.
        origin: "real" or "phantom".
        assign: gives a patient id its split, instead of `fractions` and `seed`.
        control: a second folder, of other patients, that is held out whole; then all of `folder` is train.
        source: id of the source; by default the one that recognises the folder.
        classes: label as given to label as stored; "" leaves images of that label out.
        choices: settings of the source.
        recipe: preprocessing of every image before it is stored.
        key: digest of the run; what was staged under it before is not read again, and a stop keeps what is staged.

    Raises:
        InputError: for a bad id, origin or fractions.
        DatasetError: when the id is taken, patients stand in two splits, or no image is readable.
        StoreError: when the disk is full.
    """
    check_fractions(fractions)
    if origin not in ORIGINS:
        raise InputError("The origin is neither real nor phantom; nothing was imported; choose one of them.")
    refuse_taken(settings().datasets / check_id(id))
    plan = plan_import(folder, metadata, mapping, keep, source=source, classes=classes, choices=choices)
    if control is not None:
        plan = with_control(plan, plan_import(control, None, mapping, keep))
    division = _one_by_one(assign) if assign else _by_shares(fractions, seed)
    about = About(title, modality, licence or "", attribution, origin)
    return add_plan(plan, id, about, division, on_progress, recipe=recipe, seed=seed, key=key)


def add_plan(
    plan: ImportPlan,
    id: str,
    about: About,
    division: Division | None = None,
    on_progress: OnProgress | None = None,
    *,
    recipe: Recipe | None = None,
    seed: int = 0,
    key: str = "",
) -> ImportReport:
    """Carry a plan out.

    Args:
        plan: of one folder, or of several together.
        id: id of the new dataset.
        about: what the files do not say; what is empty there is taken from the plan.
        division: patients, one an image, to split, where the plan gives no division; by default shares.
        on_progress, recipe, seed, key: as `add_folder`.

    Raises:
        DatasetError, InputError, StoreError: as `add_folder`.
    """
    target = settings().datasets / check_id(id)
    refuse_taken(target)
    if plan.problem:
        raise DatasetError(plan.problem)
    about = replace(
        about,
        modality=about.modality or plan.modality,
        licence=about.licence or plan.licence,
        attribution=about.attribution or plan.attribution,
    )
    told = recipe.as_json() if recipe is not None and recipe.steps else None
    with staging_folder(target, key) as staging:
        copied = copy_images(plan, staging, on_progress, told, seed)
        if not copied.rows:
            reasons = len(copied.left_out) + len(plan.left_out)
            raise DatasetError(
                f"No image could be read ({reasons} were refused); nothing was imported; check the folder "
                f"and the CSV."
            )
        parts = _divide(copied, plan, division or _by_shares(DEFAULT_FRACTIONS, seed))
        table = manifest.build(_finished(copied.rows, about.licence))
        check_splits(list(table["patient_id"]), list(table["split"]))
        notes = (*plan.notes, *copied.notes, *parts, *_split_notes(table))
        manifest.write(table, staging / MANIFEST)
        record = recipe.record(seed) if recipe is not None and told else {}
        write_json(staging / CARD, new_card(id, table, about, notes, plan, record).as_json())
    left_out = (*plan.left_out, *copied.left_out)
    return ImportReport(
        len(table), left_out, (*plan.merged, *copied.merged), notes, plan.unused, Dataset(target)
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
    for row in rows:
        findings = re.split(r"\s*[|;]\s*", row.get("labels") or row.get("label") or "")
        row["labels"] = "|".join(finding for finding in findings if finding)
        row["licence"] = row.get("licence") or licence
    return list(rows)


def _split_notes(table: pd.DataFrame) -> list[str]:
    empty = [split for split in SPLITS if not (table["split"] == split).any()]
    if "held-out" in empty or "train" in empty:
        return [
            f"The split {' and '.join(empty)} is empty: privacy numbers need both train and held-out images."
        ]
    return []
