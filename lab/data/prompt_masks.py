"""Masks of installed datasets that a generator can be asked for: those that name the structures it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.data.card import DatasetCard
from lab.data.phantom_families import FAMILIES
from lab.data.splits import HELD_OUT, TEST, TRAIN
from lab.data.store import list_datasets, open_dataset

# A mask that no training image has comes first: with a training mask a sample near a training image proves nothing.
ORDER = (HELD_OUT, TEST, TRAIN)
PHASES = {"ED": "end-diastole", "ES": "end-systole"}


@dataclass(frozen=True)
class PromptMask:
    """One image whose mask can be asked for: its id, its split and what is known of it in a few words."""

    image_id: str
    split: str
    words: str


def datasets_with(structures: Sequence[str]) -> list[DatasetCard]:
    """The installed datasets whose masks name all of these structures."""
    return [card for card in list_datasets() if set(structures) <= set(structures_of(card).values())]


def structures_of(card: DatasetCard) -> dict[int, str]:
    """Mask value to structure name; {} for a dataset without masks or without names for them."""
    if "mask" not in card.columns:
        return {}
    told = {int(value): name for value, name in card.mask_labels.items()}
    drawn = next((f for f in FAMILIES.values() if f.modality == card.modality), None)
    return told or (dict(drawn.mask_labels) if drawn is not None and card.origin == "phantom" else {})


def masks_of(dataset: str) -> list[PromptMask]:
    """All images with a mask: held-out patients first, training patients last; one a patient before a second.

    Raises:
        NotFoundError: when the dataset is not installed.
    """
    rows = open_dataset(dataset).rows()
    rows = rows[rows["mask"].astype(str) != ""]
    rows = rows.assign(
        turn=rows.groupby("patient_id").cumcount(),
        rank=rows["split"].map({split: rank for rank, split in enumerate(ORDER)}).fillna(len(ORDER)),
    ).sort_values(["rank", "turn"], kind="stable")
    known = [name for name in ("slice", "phase") if name in rows.columns]
    known += ["label_name"] if "label_name" in rows.columns else ["label"]
    return [
        PromptMask(str(row["image_id"]), str(row["split"]), _words([str(row[name] or "") for name in known]))
        for row in rows.to_dict("records")
    ]


def mask_of(dataset: str, image_id: str, structures: Sequence[str]) -> NDArray[np.uint8]:
    """The mask of an image with 1, 2, ... standing for `structures` in their order; others become background.

    Returns:
        (H, W) uint8, empty (0, 0) where the image has none.

    Raises:
        NotFoundError: when there is no such dataset or image.
        ImageError: when the mask cannot be read.
    """
    opened = open_dataset(dataset)
    mask = opened.mask(image_id)
    if mask is None:
        return np.zeros((0, 0), np.uint8)
    named = structures_of(opened.card)
    found = np.zeros(mask.shape, np.uint8)
    for value, name in named.items():
        if name in structures:
            found[mask == value] = 1 + list(structures).index(name)
    return found


def _words(parts: Sequence[str]) -> str:
    return ", ".join(PHASES.get(part, part) for part in dict.fromkeys(parts) if part)
