"""Prompt studio: compose, vary in a grid, watch the queue, find and recall the past, review."""

from __future__ import annotations

import streamlit as st

from lab.generators.cards import ready_cards
from lab.ui.frame import head, missing, sentences
from lab.ui.grid_page import grid_tab
from lab.ui.history import history
from lab.ui.prompt_address import arrive
from lab.ui.prompt_queue import queue_tab
from lab.ui.prompt_tab import prompt_tab
from lab.ui.recall import TABS
from lab.ui.review_panel import review_table
from lab.ui.state import PromptKey as Key

head(
    "Prompt",
    "Describe a film and get samples, each compared with every training image it could have been copied from.",
    films=True,
)
with sentences():
    cards = ready_cards()
    if not cards:
        missing(
            "No generator can be asked here.",
            "Those that ship with Doppel are missing; restore assets/generators, or bring one in on the Library page.",
            "library",
            "Library",
        )
        st.stop()
    arrive()
    draw = (lambda: prompt_tab(cards), lambda: grid_tab(cards), queue_tab, history, review_table)
    for tab, content in zip(st.tabs(TABS, on_change="rerun", key=Key.TAB), draw, strict=True):
        if tab.open:
            with tab:
                content()
