"""Home: what is here, what is running, and where to start."""

from __future__ import annotations

import streamlit as st

from lab.runs.requests import PHANTOM
from lab.ui.first_steps import pending, readiness
from lab.ui.frame import head, sentences
from lab.ui.overview import ended_runs, first_steps, running, stock

head(
    "Welcome to Doppel",
    "Prompt a generator, put every sample beside its nearest training images, and measure whether the set is "
    "faithful, varied, private and useful.",
)
with sentences():
    waits = None if readiness(PHANTOM) else pending(PHANTOM)
    first_steps()
    left, right = st.columns([0.56, 0.44], gap="large")
    with left:
        st.subheader("What is loaded", anchor=False)
        stock()
    with right:
        st.subheader("Runs", anchor=False)
        running(waits.id if waits else "")
        ended_runs()
