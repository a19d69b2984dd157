"""From ids and digests to films: pixels read once, tags and captions that say what a film is."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.store import list_datasets, open_dataset
from lab.runs.artifacts import read_artifact
from lab.ui.viewer import Film

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


def origin_note(dataset: str | None) -> str:
    """ "(phantom-trained)" where the training dataset is a phantom, else nothing."""
    return "(phantom-trained)" if dataset is not None and is_phantom(dataset) else ""


def is_phantom(dataset: str) -> bool:
    """Whether that dataset is procedural."""
    return any(card.id == dataset and card.origin == "phantom" for card in list_datasets())


def training_word(dataset: str) -> str:
    """What a member of the training split is called: a phantom is never called real."""
    return "training image" if is_phantom(dataset) else "real training image"


def sample_film(sample: dict[str, Any], note: str, caption: str | None = None, badge: bool = True) -> Film:
    """The film of one generated sample of a run's result."""
    verdict = sample.get("verdict") or {}
    label = str(verdict.get("label", "")) if badge else ""
    words = f"seed {sample['seed']}" if caption is None else caption
    return Film(artifact_pixels(sample["artifact"]), "SYNTHETIC", words, note, label, TONES.get(label, ""))


def dataset_film(dataset: str, image_id: str, caption: str) -> Film:
    """The film of one image of a dataset, tagged by the dataset's origin."""
    card = open_dataset(dataset).card
    tag = "PHANTOM" if card.origin == "phantom" else "REAL"
    return Film(dataset_pixels(dataset, card.digest, image_id), tag, caption)


def thumbnail(pixels: NDArray[Any], size: int = 192) -> NDArray[np.uint8]:
    """An 8-bit thumbnail of at most `size` pixels a side; 16-bit films are windowed by percentiles first."""
    if pixels.dtype != np.uint8:
        low, high = np.percentile(pixels, (0.5, 99.5))
        pixels = (np.clip((pixels - low) / max(1.0, high - low), 0, 1) * 255).astype(np.uint8)
    step = max(1, int(np.ceil(max(pixels.shape[:2]) / size)))
    return np.ascontiguousarray(pixels[::step, ::step])
