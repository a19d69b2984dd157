"""The films of a case: blinded and in their drawn order, or with their tags and the registered difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data.store import open_dataset
from lab.leakage.verdicts import SAMPLE
from lab.ui.films import (
    artifact_pixels,
    case_code,
    dataset_film,
    may_be_public,
    origin_note,
    set_pixels,
    training_word,
)
from lab.ui.hanging import difference_film
from lab.ui.leakage_case_set import Cases
from lab.ui.sets import open_set
from lab.ui.viewer import Film
from lab.ui.viewer_presets import modality_of

WHOLE = "Whole film"
# Tell-tale places of a frontal film as shares of its height and width: top, bottom, left, right.
REGIONS: dict[str, tuple[float, float, float, float]] = {
    WHOLE: (0.0, 1.0, 0.0, 1.0),
    "Marker left": (0.0, 0.4, 0.0, 0.4),
    "Marker right": (0.0, 0.4, 0.6, 1.0),
    "Devices": (0.02, 0.58, 0.22, 0.78),
    "Lung apices": (0.05, 0.55, 0.15, 0.85),
    "Heart border": (0.36, 0.88, 0.34, 0.86),
    "Lung bases": (0.5, 1.0, 0.05, 0.95),
}


def regions_of(dataset: str) -> list[str]:
    """Places one can jump to: those of a chest film, elsewhere the whole film alone."""
    frontal = modality_of(open_dataset(dataset).card.modality) == "cxr"
    return list(REGIONS) if frontal else [WHOLE]


def blinded(cases: Cases, row: dict[str, Any], training_first: bool, region: str) -> list[Film]:
    """Sample, candidate A, candidate B: pixels alone, the same region of each, no masks."""
    return [_cut(film, region) for film in _three(cases, row, training_first)]


def revealed(cases: Cases, row: dict[str, Any], training_first: bool, region: str) -> list[Film]:
    """The same films in the same places with their tags, and the sample minus the training film."""
    films = _three(cases, row, training_first)
    minus = _difference(row["code"], films[0].tag, films[0], films[1 if training_first else 2])
    return [_cut(film, region) for film in (*films, minus)]


def _three(cases: Cases, row: dict[str, Any], training_first: bool) -> list[Film]:
    sides = ("training", "control") if training_first else ("control", "training")
    places = zip("AB", sides, strict=True)
    return [sample(cases, row), *(_candidate(cases, row, side, letter) for letter, side in places)]


def sample(cases: Cases, row: dict[str, Any]) -> Film:
    """What is asked about: a sample of the set, or a held-out film at the size of the samples."""
    card = open_dataset(cases.dataset).card
    public = may_be_public(cases.dataset)
    if row["source"] == SAMPLE:
        images = open_set(cases.samples)
        pixels = set_pixels(cases.samples, images.digest, row["image_id"])
        return Film(
            pixels,
            images.tag,
            "sample",
            origin_note(cases.dataset) if images.tag == "SYNTHETIC" else "",
            modality=modality_of(card.modality),
            case=case_code(row["code"]),
            public=public,
        )
    pixels = artifact_pixels(row["shown"])
    return Film(
        pixels,
        card.tag,
        "held-out image, asked as if it were a sample",
        "(held out)",
        modality=modality_of(card.modality),
        dataset=card.id,
        split="held-out",
        case=case_code(row["code"]),
        public=card.public,
    )


def _candidate(cases: Cases, row: dict[str, Any], side: str, letter: str) -> Film:
    word = training_word(cases.dataset) if side == "training" else "held-out image (control)"
    caption = f"candidate {letter}: nearest {word}"
    film = dataset_film(cases.dataset, str(row[side]["image_id"]), caption)
    # Only films of the dataset have masks: they would tell a held-out film that is asked as a sample.
    return replace(film, mask=None, mask_names={})


@st.cache_data(max_entries=64, show_spinner=False)
def _difference(code: str, tag: str, _sample: Film, _training: Film) -> Film:
    return difference_film(_sample, _training)


def _cut(film: Film, region: str) -> Film:
    if region == WHOLE:
        return film
    samples = region_of(film.samples, region)
    caption = f"{film.caption} · {region.lower()}" if film.caption else ""
    return replace(film, samples=samples, caption=caption)


def region_of(pixels: NDArray[Any], region: str) -> NDArray[Any]:
    """The part (h, w) or (h, w, 3) of an image that belongs to a place of `REGIONS`."""
    top, bottom, left, right = REGIONS[region]
    height, width = pixels.shape[:2]
    rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
    columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
    return np.ascontiguousarray(pixels[rows, columns])
