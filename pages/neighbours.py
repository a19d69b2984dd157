"""Neighbours: one image beside the training images it could have been copied from."""

from __future__ import annotations

import streamlit as st

from lab.ui.frame import head, missing, sentences
from lab.ui.neighbour_view import comparison, numbers
from lab.ui.state import NeighboursKey as Key
from lab.ui.subject_form import choose
from lab.ui.subjects import sources

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
    subject = choose(found)
    if subject is not None:
        comparison(subject, Key.VIEWER)
        numbers(subject)
