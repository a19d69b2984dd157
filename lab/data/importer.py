"""Import of a folder: every good image copied under an opaque name without metadata, every bad one listed.

The dataset appears whole or not at all: it is written into a hidden folder and renamed at the end. Names of
original files are in the report for the person who imports and nowhere else. Patient ids are kept as the CSV
gives them, because a researcher needs them; they are never part of a URL, a log line or an exported report.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab.atomic import write_json
from lab.config import settings
from lab.data import licences, manifest
from lab.data.card import ORIGINS, DatasetCard, check_id
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.import_plan import ImportPlan, PlannedImage, plan_import
from lab.data.linked_patients import linked_groups
from lab.data.splits import (
    DEFAULT_FRACTIONS,
    SPLITS,
    canonical_split,
    check_fractions,
    check_splits,
    split_by_patient,
)
from lab.errors import DatasetError, ImageError, InputError, StoreError
from lab.provenance import digest_bytes

OnProgress = Callable[[int, int], None]


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
        on_progress: called with images done and images in all; an exception from it ends the import cleanly.
        keep: further columns to store.
        title: for people; the id by default.
        modality: guessed from the views by default.
        attribution: whom to name when an image is shown.
        origin: "real" or "phantom".

    Raises:
        InputError: for a bad id, origin or fractions.
        DatasetError: when the id is taken, patients stand in two splits, or no image is readable.
        StoreError: when the disk is full.
    """
    check_fractions(fractions)
    if origin not in ORIGINS:
        raise InputError("The origin is neither real nor phantom; nothing was imported; choose one of them.")
    target = settings().datasets / check_id(id)
    _refuse_taken(target)
    plan = plan_import(folder, metadata, mapping, keep)
    if plan.problem:
        raise DatasetError(plan.problem)
    about = About(title, modality, licence or "", attribution, origin)
    with _staging(target) as staging:
        copied = _copy(plan, staging, on_progress)
        if not copied.rows:
            reasons = len(copied.left_out) + len(plan.left_out)
            raise DatasetError(
                f"No image could be read ({reasons} were refused); nothing was imported; check the folder and the CSV."
            )
        notes = [*plan.notes, *copied.notes, *_divide(copied, plan, fractions, seed)]
        table = manifest.build(_finished(copied.rows, about.licence))
        check_splits(list(table["patient_id"]), list(table["split"]))
        notes += _split_notes(table)
        manifest.write(table, staging / MANIFEST)
        write_json(staging / CARD, _card(id, table, about, notes).as_json())
    left_out = (*plan.left_out, *copied.left_out)
    return ImportReport(
        len(table), left_out, (*plan.merged, *copied.merged), tuple(notes), plan.unused, Dataset(target)
    )


@dataclass
class _Copied:
    """What the copying loop has gathered so far."""

    rows: list[dict[str, Any]]
    left_out: list[tuple[str, str]]
    merged: list[tuple[str, str]]
    notes: list[str]
    shared: list[tuple[str, str]]


def _copy(plan: ImportPlan, staging: Path, on_progress: OnProgress | None) -> _Copied:
    """Decode and store every image once; equal files under two patients link these patients."""
    done = _Copied([], [], [], [], [])
    first: dict[str, tuple[dict[str, Any], str]] = {}
    bad_masks = 0
    for number, image in enumerate(_training_first(plan), start=1):
        try:
            row = _store_image(image, staging)
        except ImageError as error:
            done.left_out.append((image.name, str(error)))
            row = None
        if row is not None and row["digest"] in first:
            kept, name = first[row["digest"]]
            done.merged.append((image.name, f"it equals {name}; it was kept once"))
            done.shared.append((str(kept["patient_id"]), str(row["patient_id"])))
        elif row is not None:
            first[row["digest"]] = (row, image.name)
            bad_masks += not _store_mask(image, row, staging)
            done.rows.append(row)
        if on_progress is not None:
            on_progress(number, len(plan.images))
    if done.merged:
        done.notes.append(f"{len(done.merged)} images are copies of another file and were kept once.")
    if bad_masks:
        done.notes.append(f"{bad_masks} masks could not be read and were left out; their images were kept.")
    return done


def _training_first(plan: ImportPlan) -> list[PlannedImage]:
    """Images in the order in which copies are kept: one that stands in train was seen, wherever else it stands."""
    if not plan.splits_given:
        return list(plan.images)
    order = {split: rank for rank, split in enumerate(SPLITS)}
    return sorted(plan.images, key=lambda image: order[canonical_split(image.fields["split"]) or SPLITS[-1]])


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > settings().max_file_bytes:
            raise ImageError(
                "The file is above the size limit; it was left out unread; export a smaller one."
            )
        return path.read_bytes()
    except OSError as error:
        raise ImageError("The file cannot be read; it was left out; check its permissions.") from error


def _store_image(image: PlannedImage, staging: Path) -> dict[str, Any]:
    from lab.data.images import decode_clean

    found, clean, suffix = decode_clean(_read(image.file), None, image.file.name)
    digest = digest_bytes(clean)
    image_id = digest[:16]
    path = f"images/{image_id}{suffix}"
    (staging / path).write_bytes(clean)
    height, width = found.array.shape[:2]
    fields = {key: value for key, value in image.fields.items() if key != "split"}
    split = canonical_split(image.fields.get("split", "")) or ""
    patient = image.fields.get("patient_id", "") or image_id
    return {
        **image.extra, **fields, "image_id": image_id, "digest": digest, "path": path, "patient_id": patient,
        "split": split, "width": width, "height": height, "bits": found.bits, "format": found.format,
        "channels": 1 if found.array.ndim == 2 else 3,
    }  # fmt: skip


def _store_mask(image: PlannedImage, row: dict[str, Any], staging: Path) -> bool:
    """Store the mask of an image, if it names one; `False` when it is not readable or of another size."""
    from lab.data.images import decode_clean

    if image.mask is None:
        return True
    try:
        found, clean, suffix = decode_clean(_read(image.mask), None, image.mask.name)
    except ImageError:
        return False
    if found.array.shape[:2] != (row["height"], row["width"]):
        return False
    row["mask"] = f"masks/{row['image_id']}{suffix}"
    (staging / "masks").mkdir(exist_ok=True)
    (staging / row["mask"]).write_bytes(clean)
    return True


def _divide(copied: _Copied, plan: ImportPlan, fractions: Sequence[float], seed: int) -> list[str]:
    """Give each row its split, by patient; patients who share an equal file go together."""
    if plan.splits_given:
        return []
    group = linked_groups([str(row["patient_id"]) for row in copied.rows], copied.shared)
    assigned = split_by_patient([group[str(row["patient_id"])] for row in copied.rows], fractions, seed)
    for row in copied.rows:
        row["split"] = assigned[group[str(row["patient_id"])]]
    linked = sum(patient != name for patient, name in group.items())
    if not linked:
        return []
    return [
        f"{linked + 1} or more patient ids share an equal image and were put into one split: they may be one person."
    ]


def _finished(rows: list[dict[str, Any]], licence: str) -> list[Mapping[str, Any]]:
    done: list[Mapping[str, Any]] = []
    for row in rows:
        findings = re.split(r"\s*[|;]\s*", row.get("labels") or row.get("label") or "")
        done.append({
            **row, "labels": "|".join(finding for finding in findings if finding), "licence": row.get("licence") or licence,
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


def _refuse_taken(target: Path) -> None:
    taken = [path.name for path in target.parent.glob("[!.]*")] if target.parent.is_dir() else []
    if target.name.lower() in {name.lower() for name in taken}:
        raise DatasetError(
            "There is already a dataset of that id; it was kept as it is; choose another id or remove it."
        )


@contextlib.contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A hidden folder that becomes `target` on a clean exit and vanishes on any other."""
    staging = target.with_name(f".importing-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        (staging / "images").mkdir(parents=True)
        _sweep(target.parent)
        yield staging
        _flush(staging)
        try:
            staging.rename(target)
        except OSError as error:
            if not target.exists():
                raise
            raise DatasetError(
                "Another import has taken that id meanwhile; that dataset was kept, this one was not; choose another id."
            ) from error
    except OSError as error:
        reason = "no space is left" if error.errno == 28 else "the workspace cannot be written"
        raise StoreError(
            f"The import stopped because {reason}; nothing was kept of it; free the disk and import again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _flush(staging: Path) -> None:
    """Bring all files to the disk before the rename makes them visible."""
    for path in staging.rglob("*"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Take away what imports and removals of dead processes have left."""
    import psutil

    for pattern in (".importing-*", ".removed-*"):
        for path in parent.glob(pattern):
            owner = path.name.split("-")[1]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(path, ignore_errors=True)
