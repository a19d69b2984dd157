"""Text burned into pixels: the corners of each image, for a person to say what is in them."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data import burned_in
from lab.data.card import DatasetCard
from lab.data.store import open_dataset
from lab.data.text_review import review, scored, waiting
from lab.errors import LabError
from lab.ui.films import as_8bit, dataset_film, dataset_pixels
from lab.ui.frame import refuse
from lab.ui.state import LibraryKey as Key
from lab.ui.viewer import viewer

A_PAGE = 4
MOST = 400


def has_states(card: DatasetCard) -> bool:
    """Whether a dataset's images have a state at all: only those that came from clinical archives do."""
    return burned_in.COLUMN in card.columns


def text_review(card: DatasetCard) -> None:
    """The states so far, and the next images whose corners nobody has looked at."""
    table = open_dataset(card.id).manifest
    counts = table[burned_in.COLUMN].value_counts()
    for column, state in zip(st.columns(len(counts) or 1), counts.index, strict=False):
        column.metric(str(state).capitalize() or "No state", int(counts[state]))
    left = waiting(card.id)
    if not left:
        st.success("Every image was looked at.", icon=":material/check_circle:")
        return
    st.caption(
        "No header can prove that a film holds no name. While an image waits, the set is not shown in public. Those "
        "that look most like text come first."
    )
    still = set(left)
    for image_id in [name for name in _ordered(card.id, card.digest) if name in still][:A_PAGE]:
        _one(card, image_id)


@st.cache_data(max_entries=8, show_spinner="Looking for what resembles text…")
def _ordered(dataset: str, digest: str) -> list[str]:
    """Image ids, the likeliest to hold text first; those beyond the first few hundred follow as they are."""
    ids = waiting(dataset)
    found = dict(islice(scored(dataset), MOST))
    return sorted(ids, key=lambda name: -found.get(name, -1.0))


def _one(card: DatasetCard, image_id: str) -> None:
    with st.container(border=True):
        pixels = dataset_pixels(card.id, card.digest, image_id)
        film = dataset_film(card.id, image_id, "the whole image", small=True)
        crops = [
            replace(film, samples=_crop(part), caption=where, mask=None)
            for where, part in zip(
                ("top left", "top right", "bottom left", "bottom right"),
                burned_in.corners(pixels),
                strict=True,
            )
        ]
        viewer([film, *crops], key=f"{Key.CROPS}.{image_id}", columns=5, linked=False)
        none, present, _ = st.columns([0.25, 0.25, 0.5])
        none.button(
            "No text", key=f"{Key.CROPS}.none.{image_id}", on_click=_say, args=(card.id, image_id, False),
            icon=":material/check:", width="stretch",
        )  # fmt: skip
        present.button(
            "Text is there", key=f"{Key.CROPS}.text.{image_id}", on_click=_say, args=(card.id, image_id, True),
            icon=":material/match_case:", width="stretch",
        )  # fmt: skip


def _crop(part: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(as_8bit(part))


def _say(dataset: str, image_id: str, present: bool) -> None:
    try:
        review(dataset, {image_id: present})
    except LabError as error:
        refuse(error)
