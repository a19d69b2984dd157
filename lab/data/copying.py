"""The loop of an import: each planned image decoded, stripped of metadata and stored once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.config import settings
from lab.data.import_plan import ImportPlan, PlannedImage
from lab.data.splits import SPLITS, canonical_split
from lab.errors import ImageError
from lab.provenance import digest_bytes

OnProgress = Callable[[int, int], None]
TELL_EVERY_S = 0.1


@dataclass
class Copied:
    """What the copying loop has gathered so far."""

    rows: list[dict[str, Any]]
    left_out: list[tuple[str, str]]
    merged: list[tuple[str, str]]
    notes: list[str]
    shared: list[tuple[str, str]]


def copy_images(plan: ImportPlan, staging: Path, on_progress: OnProgress | None) -> Copied:
    """Decode and store every image once; equal files under two patients link these patients."""
    done = Copied([], [], [], [], [])
    first: dict[str, dict[str, Any]] = {}
    bad_masks, told = 0, 0.0
    for number, image in enumerate(_training_first(plan), start=1):
        try:
            row = _store_image(image, staging)
        except ImageError as error:
            done.left_out.append((image.name, str(error)))
            row = None
        if row is not None and row["digest"] in first:
            kept = first[row["digest"]]
            done.merged.append((image.name, "it equals another file; it was kept once"))
            done.shared.append((str(kept["patient_id"]), str(row["patient_id"])))
        elif row is not None:
            first[row["digest"]] = row
            bad_masks += not _store_mask(image, row, staging)
            done.rows.append(row)
        if on_progress is not None and (number == len(plan.images) or time.monotonic() - told > TELL_EVERY_S):
            told = time.monotonic()
            on_progress(number, len(plan.images))
    if done.merged:
        done.notes.append(f"Files that equal another file and were kept once: {len(done.merged)}.")
    if bad_masks:
        done.notes.append(f"Masks left out as unreadable or of another size, their images kept: {bad_masks}.")
    return done


def _training_first(plan: ImportPlan) -> list[PlannedImage]:
    """Images with those of train first: of two equal files the one in train stays, for a generator saw it."""
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
