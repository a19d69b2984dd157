"""From ids and digests to films: pixels read once, tags and captions that say what a film is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.data.card import DatasetCard
from lab.data.dataset import Dataset
from lab.data.images import decode
from lab.data.phantom_families import CXR, FAMILIES
from lab.data.store import list_datasets, open_dataset
from lab.errors import ImageError
from lab.runs.artifacts import read_artifact
from lab.ui.viewer import Film
from lab.ui.viewer_credit import credit
from lab.ui.viewer_presets import modality_of

TONES = {"near-copy": "alarm", "close": "warn", "ordinary": "calm"}


@st.cache_data(max_entries=256, show_spinner=False)
def artifact_pixels(digest: str) -> NDArray[Any]:
    """Pixels of an image artifact; the digest is the whole cache key."""
    return decode(read_artifact(digest)).array


@st.cache_data(max_entries=256, show_spinner=False)
def dataset_pixels(dataset: str, digest: str, image_id: str) -> NDArray[Any]:
    """Pixels of one image of a dataset; the dataset's digest is part of the cache key."""
    return open_dataset(dataset).image(image_id)


@st.cache_data(max_entries=256, show_spinner=False)
def set_pixels(reference: str, digest: str, image_id: str) -> NDArray[Any]:
    """Pixels of one image of any image set; the set's digest is part of the cache key."""
    from lab.data.resolve import resolve

    return resolve(reference).image(image_id)


@st.cache_data(max_entries=256, show_spinner=False)
def dataset_mask(dataset: str, digest: str, image_id: str) -> NDArray[np.uint8] | None:
    """Mask of one image, (H, W) labels, None where it has none; the dataset's digest is part of the cache key."""
    mask = open_dataset(dataset).mask(image_id)
    return None if mask is None or mask.ndim != 2 or mask.max(initial=0) > 255 else mask.astype(np.uint8)


@st.cache_data(max_entries=4096, show_spinner=False)
def dataset_words(dataset: str, digest: str, image_id: str) -> tuple[str, str]:
    """Split and licence of one image; the dataset's digest is part of the cache key."""
    rows = open_dataset(dataset).rows()
    found = rows.loc[rows["image_id"] == image_id]
    return (str(found["split"].iloc[0]), str(found["licence"].iloc[0])) if len(found) else ("", "")


@st.cache_data(max_entries=4096, show_spinner=False)
def dataset_window(dataset: str, digest: str, image_id: str) -> tuple[float, float] | None:
    """Window (centre, width) the image came with, in its stored grey levels; None where it has none.

    After a recipe the grey levels are others, and the file's window says nothing about them.
    """
    opened = open_dataset(dataset)
    columns = ["window_centre", "window_width"]
    if opened.card.recipe or not set(columns) <= set(opened.card.columns):
        return None
    found = opened.rows().set_index("image_id").loc[[image_id], columns]
    centre, width = pd.to_numeric(found.iloc[0], errors="coerce")
    return (float(centre), float(width)) if np.isfinite(centre) and width > 0 else None


def with_shown_patients(dataset: Dataset) -> pd.DataFrame:
    """All rows of a dataset with `patient_id` as it may stand on screen.

    A phantom's patients keep their ids. A real patient is called by the case code of the first of its images.
    """
    rows = dataset.rows()
    if dataset.card.origin == "phantom":
        return rows
    first = rows.groupby("patient_id")["image_id"].transform("min")
    return rows.assign(patient_id=first.map(case_code))


def patient_words(dataset: str, patient: object) -> str:
    """What follows a distance in a caption: a phantom's patient; of a real one nothing, the case code says enough."""
    return f" · patient {patient}" if is_phantom(dataset) else ""


def case_code(opaque: str) -> str:
    """What a viewport calls its case: six digits of an opaque id, never a patient's."""
    return opaque[:6]


def origin_note(dataset: str | None) -> str:
    """ "(phantom-trained)" where the training dataset is a phantom, else nothing."""
    return "(phantom-trained)" if dataset is not None and is_phantom(dataset) else ""


def is_phantom(dataset: str) -> bool:
    """Whether that dataset is procedural."""
    return any(card.id == dataset and card.origin == "phantom" for card in list_datasets())


def training_word(dataset: str) -> str:
    """What a member of the training split is called: a phantom is never called real."""
    return "training image" if is_phantom(dataset) else "real training image"


def may_be_public(dataset: str | None) -> bool:
    """Whether samples of a generator trained on that dataset may be shown in public: they may be near-copies.

    Where the training dataset is unknown, or not here, nobody can say so: no.
    """
    return any(card.public for card in list_datasets() if card.id == dataset)


def sample_film(
    sample: Mapping[str, Any],
    note: str,
    caption: str | None = None,
    badge: bool = True,
    public: bool = True,
    small: bool = False,
) -> Film:
    """The film of one generated sample: its artifact, seed and, for a badge, verdict; `small` for galleries.

    `public` is what its training dataset allows.
    """
    label = str((sample.get("verdict") or {}).get("label", "")) if badge else ""
    words = f"seed {sample['seed']}" if caption is None else caption
    tone, case = TONES.get(label, ""), case_code(str(sample["artifact"]))
    pixels = artifact_pixels(str(sample["artifact"]))
    shown = thumbnail(pixels, 256) if small else pixels
    return Film(shown, "SYNTHETIC", words, note, label, tone, case=case, public=public)


def dataset_film(dataset: str, image_id: str, caption: str, small: bool = False) -> Film:
    """The film of one image of a dataset, tagged by the dataset's origin; `small` for galleries."""
    card = open_dataset(dataset).card
    pixels = dataset_pixels(dataset, card.digest, image_id)
    split, licence = dataset_words(dataset, card.digest, image_id)
    return Film(
        thumbnail(pixels, 256) if small else pixels,
        card.tag,
        caption,
        modality=modality_of(card.modality),
        dataset=card.id,
        split=split,
        mask=None if small else _mask(dataset, card.digest, image_id),
        mask_names=_mask_names(card),
        credit=credit(card, licence),
        case=case_code(image_id),
        public=card.public,
        window=None if small else dataset_window(dataset, card.digest, image_id),
    )


def _mask(dataset: str, digest: str, image_id: str) -> NDArray[np.uint8] | None:
    """Where a mask cannot be read, the film is shown all the same."""
    try:
        return dataset_mask(dataset, digest, image_id)
    except ImageError:
        return None


def _mask_names(card: DatasetCard) -> dict[int, str]:
    """What the labels of a mask stand for, where the dataset's source or this program says so; others are numbered."""
    if card.mask_labels:
        return {int(value): name for value, name in card.mask_labels.items()}
    if card.origin != "phantom":
        return {}
    drawn = next((family for family in FAMILIES.values() if family.modality == card.modality), CXR)
    return dict(drawn.mask_labels)


def as_8bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels of a small picture: 8 bits as they are, 16 bits from their 0.5th to their 99.5th percentile."""
    if pixels.dtype == np.uint8:
        return pixels
    low, high = np.percentile(pixels, (0.5, 99.5))
    return (np.clip((pixels - low) / max(1.0, high - low), 0, 1) * 255).astype(np.uint8)


def thumbnail(pixels: NDArray[Any], size: int = 192) -> NDArray[np.uint8]:
    """An 8-bit thumbnail of at most `size` pixels a side; 16-bit films are windowed by percentiles first."""
    pixels = as_8bit(pixels)
    step = max(1, int(np.ceil(max(pixels.shape[:2]) / size)))
    return np.ascontiguousarray(pixels[::step, ::step])
