"""A part of an import: drawn at random and balanced by patient, never the first files of a sorted folder."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from lab.data.imageset import balanced_positions
from lab.data.sources.contract import Choice, ImportPlan, PlannedImage
from lab.errors import InputError
from lab.provenance import canonical_json

LIMIT = Choice(
    "limit",
    "At most so many images",
    (),
    "Empty for all. A part is drawn at random, one image of every patient before a second of any.",
)
SEED = Choice("limit_seed", "Seed of the draw", (), "Another whole number gives another draw; 0 if empty.")


def limited(plan: ImportPlan, limit: int, seed: int = 0) -> ImportPlan:
    """The plan with at most `limit` images, drawn patient-balanced; their order stays.

    Args:
        plan: any plan, whatever source made it.
        limit: at least 1.
        seed: another seed gives another draw.

    Raises:
        InputError: for a limit below 1.
    """
    if limit < 1:
        raise InputError("The limit of images is below 1; nothing was imported; leave it out or raise it.")
    if limit >= len(plan.images):
        return plan
    chosen = drawn(plan.images, limit, seed)
    patients = len({image.fields.get("patient_id") or key(image) for image in chosen})
    note = (
        f"Drawn at random and balanced by patient, seed {seed}: {len(chosen):,} of {len(plan.images):,} images, "
        f"of {patients:,} patients."
    )
    return dataclasses.replace(plan, images=tuple(chosen), notes=(*plan.notes, note))


def drawn(images: Sequence[PlannedImage], limit: int, seed: int) -> list[PlannedImage]:
    """At most `limit` images, balanced by patient; an image without a patient is its own."""
    ids = [key(image) for image in images]
    patients = [image.fields.get("patient_id") or id for image, id in zip(images, ids, strict=True)]
    return [images[i] for i in sorted(balanced_positions(ids, patients, limit, seed))]


def limited_by_choice(plan: ImportPlan, choices: Mapping[str, str]) -> ImportPlan:
    """The plan cut to what the choices "limit" and "limit_seed" say; as it is where they are empty.

    Raises:
        InputError: when one of them is not a whole number.
    """
    limit, seed = choices.get(LIMIT.name, "").strip(), choices.get(SEED.name, "").strip()
    for text in (limit, seed):
        if text and not re.fullmatch(r"\d{1,9}", text):
            raise InputError(
                "The limit of images or its seed is not a whole number; nothing was imported; correct it."
            )
    return limited(plan, int(limit), int(seed or 0)) if limit else plan


def key(image: PlannedImage) -> str:
    """What tells two planned images apart: the file and the part of it. It names a file: for ordering only."""
    return f"{image.file}\x1f{canonical_json(dict(image.part)) if image.part else ''}"
