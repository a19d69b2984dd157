"""Neighbours: one image beside the training images it could have been copied from, or a whole set."""

from __future__ import annotations

import streamlit as st

from lab.ui.frame import head, missing, sentences
from lab.ui.neighbour_address import ONE, arrive, lost, tell
from lab.ui.neighbour_set import WHOLE, whole_set
from lab.ui.neighbour_spaces import spaces_panel
from lab.ui.neighbour_trail import breadcrumb, steps, subject_at
from lab.ui.neighbour_view import comparison, headline, numbers
from lab.ui.neighbour_words import by_words, captions_panel
from lab.ui.state import NeighboursKey as Key
from lab.ui.subject_form import choose, start_of
from lab.ui.subjects import Subject, sources

WORDS = "By words"


def one_image(chosen: Subject | None) -> None:
    """The chosen image, or where a walk from it has led."""
    start = start_of(chosen)
    taken = steps(start)
    tell(taken)
    lost()
    breadcrumb(taken, start or "Start")
    subject = subject_at(taken[-1]) if taken else chosen
    if subject is None:
        return
    headline(subject)
    comparison(subject, Key.VIEWER)
    spaces_panel(subject)
    captions_panel(subject)
    with st.expander("How sure is the verdict?", expanded=True):
        numbers(subject)


head(
    "Neighbours",
    "One image, its five nearest training images and the nearest held-out image, in linked viewports.",
    films=True,
)
with sentences():
    found = sources()
    if not found:
        missing(
            "There is nothing to compare yet.",
            "Samples come from a prompt; held-out images come with a dataset.",
            "prompt",
            "Write a prompt",
        )
        st.stop()
    arrive(found)
    view = st.segmented_control(
        "Look at",
        [ONE, WHOLE, WORDS],
        key=Key.VIEW,
        default=ONE,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if view == WHOLE:
        whole_set()
    elif view == WORDS:
        by_words()
    else:
        one_image(choose(found))
