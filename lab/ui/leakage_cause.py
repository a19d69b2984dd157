"""The cause: why does this generator give films back, and what would help? Four panels, one at a time."""

from __future__ import annotations

import streamlit as st

from lab.ui.leakage_cause_dose import dose
from lab.ui.leakage_cause_live import live
from lab.ui.leakage_cause_remedies import remedies
from lab.ui.leakage_cause_sweep import sweep
from lab.ui.leakage_cause_words import words
from lab.ui.state import LeakageKey as Key

PANELS = {
    "Seed after seed": (sweep, "One prompt, many seeds: does the same film come back every time?"),
    "Word by word": (words, "Take one phrase away at a time: which one is the key to the film?"),
    "How much it takes": (dose, "Repeats and number of training films: when does a generator start to copy?"),
    "Watch it happen": (
        live,
        "A well-trained generator learns a few phantom films by heart, before your eyes.",
    ),
    "What would help": (
        remedies,
        "Each remedy with its price: what it saves in privacy and costs in fidelity.",
    ),
}


def cause() -> None:
    """Draw level 3; only the chosen panel is computed."""
    panel = st.segmented_control(
        "Panel",
        list(PANELS),
        key=Key.CAUSE_PANEL,
        default="Seed after seed",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    draw, lead = PANELS[str(panel)]
    st.markdown(f"**{lead}**")
    draw()
