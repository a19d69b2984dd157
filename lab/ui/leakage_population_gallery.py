"""The pairs within the threshold, nearest first: each sample beside the training film it comes so near to."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from lab.leakage.population import Population
from lab.ui.films import TONES, case_code, dataset_film, may_be_public, origin_note, set_pixels, training_word
from lab.ui.leakage_population_numbers import Audited
from lab.ui.sets import open_set
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import Film, viewer

PAIRS = 6
NEAREST = 3


def gallery(told: Audited, of: Population, limit: float) -> None:
    """A page of pairs; a click opens the case."""
    order = of.order()
    within = order[of.samples[order] <= limit]
    st.subheader("The pairs behind the count", anchor=False)
    if len(within):
        st.caption(
            f"{len(within):,} of {len(order):,} samples lie within the threshold, nearest first. "
            "Click a pair to judge it."
        )
    else:
        st.caption(
            "None within this threshold by this detector. These come nearest, though they lie beyond it."
        )
    rows = within if len(within) else order[:NEAREST]
    pages = -(-len(rows) // PAIRS)
    page = st.pagination(pages, key=f"{Key.POPULATION_PAGE}.{of.detector}.{pages}") if pages > 1 else 1
    shown = rows[(page - 1) * PAIRS : page * PAIRS]
    key = f"{Key.POPULATION_GALLERY}.{of.detector}"
    with st.spinner("Reading films"):
        films = [
            film
            for place, row in enumerate(shown)
            for film in _pair(told, of, int(row), (page - 1) * PAIRS + place, limit)
        ]
    names = [str(told.table["image_id"].iloc[row]) for row in shown]
    viewer(films, key=key, columns=4, on_picked=partial(_open, key, told, names))


def _pair(told: Audited, of: Population, row: int, place: int, limit: float) -> list[Film]:
    chosen, line = told.chosen, told.table.iloc[row]
    images = open_set(chosen.reference)
    image_id, label = str(line["image_id"]), str(line["label"])
    note = origin_note(chosen.dataset) if images.tag == "SYNTHETIC" else ""
    where = "" if of.samples[row] <= limit else "\nbeyond the threshold"
    known = label if label in TONES else ""
    sample = Film(
        set_pixels(chosen.reference, images.digest, image_id),
        images.tag,
        f"{place + 1}. {'sample' if chosen.sets else 'image'} {image_id[:6]}{where}",
        note,
        known,
        TONES.get(label, ""),
        case=case_code(image_id),
        public=may_be_public(chosen.dataset),
    )
    word = f"nearest {training_word(chosen.dataset)}"
    unseen = "\nof a patient the generator never saw" if of.patients[row] < 0 else ""
    words = f"{place + 1}. {word}\ndistance {of.samples[row]:.4f}{_control(of, row)}{unseen}"
    return [sample, dataset_film(chosen.dataset, str(of.films[row]), words)]


def _control(of: Population, row: int) -> str:
    """How many held-out images lie less near: the control in the caption, as a count, so never finer than it is."""
    n = len(of.held_out)
    if not n:
        return ""
    beaten = int(np.sum(of.held_out > of.samples[row]))
    return f"\nnearer than {'all' if beaten == n else f'{beaten:,} of'} {n:,} held-out images"


def _open(key: str, told: Audited, names: list[str]) -> None:
    """Open the case of the picked pair, on level 1."""
    picked = dict(st.session_state.get(key) or {}).get("picked")
    if not isinstance(picked, int) or not 0 <= picked < 2 * len(names):
        return
    if not told.chosen.sets:
        return  # an honest image is no case
    image_id, images = names[picked // 2], open_set(told.chosen.reference)
    set_of = getattr(images, "set_of", None)
    st.session_state[Key.CASE_SET] = set_of(image_id) if set_of else told.chosen.reference
    st.session_state[Key.CASE_SAMPLE] = image_id
    st.session_state[Key.LEVEL] = "The case"
