"""The loop of an import: each planned image read in a child, stored once without metadata, told as a row."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.data.intake.contract import Outcome
from lab.data.intake.reading import outcomes
from lab.data.sources.contract import ImportPlan, PlannedImage
from lab.data.splits import SPLITS, canonical_split

OnProgress = Callable[[int, int], None]
TELL_EVERY_S = 0.1


@dataclass
class Copied:
    """What the copying loop has gathered so far.

    Attributes:
        rows: of the manifest.
        left_out: shown name and reason.
        merged: shown name and what it equals.
        notes: one sentence each.
        shared: pairs of patients who share an equal file.
        crossed: equal files that the given division puts into two splits.
        disputed: equal files that are labelled differently.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shared: list[tuple[str, str]] = field(default_factory=list)
    crossed: int = 0
    disputed: int = 0


def copy_images(
    plan: ImportPlan,
    staging: Path,
    on_progress: OnProgress | None,
    recipe: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Copied:
    """Read and store every image once; equal files under two patients link these patients.

    Args:
        plan: what to read.
        staging: receives images and masks; what an earlier attempt has left there is not read again.
        on_progress: called with images done and images in all.
        recipe: of the preprocessing, as JSON; None stores every pixel as it was.
        seed: of the recipe.
    """
    images = _training_first(plan)
    done = Copied()
    first: dict[str, dict[str, Any]] = {}
    bad_masks, told = 0, 0.0
    (staging / "masks").mkdir(exist_ok=True)
    with contextlib.closing(outcomes(images, staging, recipe, seed)) as found:
        for number, (image, outcome) in enumerate(zip(images, found, strict=True), start=1):
            if outcome.refused:
                done.left_out.append((image.name, outcome.refused))
            elif outcome.digest in first:
                _merge(done, image, first[outcome.digest])
            else:
                first[outcome.digest] = row = _row(image, outcome)
                bad_masks += outcome.mask_refused
                done.rows.append(row)
            if on_progress is not None and (number == len(images) or time.monotonic() - told > TELL_EVERY_S):
                told = time.monotonic()
                on_progress(number, len(images))
    _settle_masks(staging, done.rows)
    if done.merged:
        done.notes.append(f"Files that equal another file and were kept once: {len(done.merged)}.")
    if done.crossed:
        done.notes.append(
            f"Of these, equal files in two splits of the given division, kept in train before held-out before test: "
            f"{done.crossed}."
        )
    if done.disputed:
        done.notes.append(
            f"Of these, equal files with another label than the one that was kept: {done.disputed}."
        )
    if bad_masks:
        done.notes.append(f"Masks left out as unreadable or of another size, their images kept: {bad_masks}.")
    return done


def _merge(done: Copied, image: PlannedImage, kept: Mapping[str, Any]) -> None:
    done.merged.append((image.name, "it equals another file; it was kept once"))
    patient = image.fields.get("patient_id", "") or str(kept["image_id"])
    done.shared.append((str(kept["patient_id"]), patient))
    split = canonical_split(image.fields.get("split", "")) or ""
    done.crossed += split != kept["split"]
    done.disputed += image.fields.get("label", "") != kept.get("label", "")


def _training_first(plan: ImportPlan) -> list[PlannedImage]:
    """Images with those of train first: of two equal files the one in train stays, for a generator saw it."""
    if not plan.splits_given:
        return list(plan.images)
    order = {split: rank for rank, split in enumerate(SPLITS)}
    return sorted(plan.images, key=lambda image: order[canonical_split(image.fields["split"]) or SPLITS[-1]])


def _row(image: PlannedImage, outcome: Outcome) -> dict[str, Any]:
    """A row of the manifest; what the table gives goes before what the file says."""
    given = {key: value for key, value in image.fields.items() if key != "split"}
    said = {key: value for key, value in outcome.fields.items() if not given.get(key)}
    extra = {
        key: value for key, value in outcome.extra.items() if not image.extra.get(key) or key in _MEASURED
    }
    row = {
        **image.extra, **extra, **given, **said, "image_id": outcome.image_id, "digest": outcome.digest,
        "path": f"images/{outcome.image_id}{outcome.suffix}",
        "patient_id": given.get("patient_id", "") or said.get("patient_id", "") or outcome.image_id,
        "split": canonical_split(image.fields.get("split", "")) or "", "width": outcome.width,
        "height": outcome.height, "bits": outcome.bits, "format": outcome.format, "channels": outcome.channels,
    }  # fmt: skip
    if outcome.mask:
        row["mask"] = f"masks/{outcome.mask}"
    return row


_MEASURED = frozenset({"spacing_mm"})


def _settle_masks(staging: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Give masks the names of their images, and take away those of images that were kept once."""
    names = set()
    for row in rows:
        if row.get("mask"):
            found = staging / str(row["mask"])
            row["mask"] = f"masks/{row['image_id']}{found.suffix}"
            names.add(row["mask"].removeprefix("masks/"))
            found.replace(staging / row["mask"])
    folder = staging / "masks"
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    if not names:
        folder.rmdir()
