"""Leakage: a guided demonstration, the case, the population and the cause."""

from __future__ import annotations

import streamlit as st

from lab.config import settings
from lab.ui.frame import head, sentences
from lab.ui.leakage_case import case
from lab.ui.leakage_cause import cause
from lab.ui.leakage_demo import demo
from lab.ui.leakage_population import population
from lab.ui.state import LeakageKey as Key
from lab.ui.state import QueryKey

DEMO, CASE = "Guided demo", "The case"
LEVELS = {DEMO: demo, CASE: case, "The population": population, "The cause": cause}

head("Leakage", "Has a generator memorised a patient? See it, count it, find out why.", films=True)
with sentences():
    level = st.segmented_control(
        "Level",
        list(LEVELS),
        key=Key.LEVEL,
        # A reader in the address was judging cases: a reload goes on with them.
        default=CASE if QueryKey.READER in st.query_params else DEMO,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if level != CASE:
        st.query_params.pop(QueryKey.READER, None)
    if level != DEMO and settings().public:
        st.caption(
            "Public mode: only sets whose licence allows showing are offered, and nothing can be downloaded."
        )
    LEVELS[level]()
