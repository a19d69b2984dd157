"""Metrics: choose both sides, check, launch, watch, read with intervals, compare with past and published runs."""

from __future__ import annotations

import streamlit as st

from lab.data.store import list_datasets
from lab.ui.frame import head, missing, sentences
from lab.ui.metric_address import ONE, OTHERS, SEVERAL, arrive, current_run, written
from lab.ui.metric_board import board
from lab.ui.metric_compare import compare
from lab.ui.metric_form import form
from lab.ui.metric_history import past
from lab.ui.metric_live import unfinished
from lab.ui.metric_results import results
from lab.ui.privacy_tests import NAME as PRIVACY
from lab.ui.privacy_tests import arrive as arrive_at_test
from lab.ui.privacy_tests import leave, privacy_tests
from lab.ui.state import MetricsKey as Key


def one_set() -> None:
    """The form, the run it launched or that was opened, and the list of past ones."""
    run = current_run()
    if run is None:
        st.session_state[Key.FORM] = True
    box = st.expander("What to measure", key=Key.FORM, on_change="rerun")
    if box.open:
        with box:
            form()
    if run is not None:
        if run.state == "done":
            results(run)
        else:
            unfinished(run)
    past()


def privacy() -> None:
    """The privacy tests, which write their own run into the address."""
    written()
    privacy_tests()


head(
    "Metrics",
    "Is the set faithful, varied, private and well aligned? Every number stands beside what held-out real films score.",
)
with sentences():
    if not list_datasets():
        missing(
            "There is no dataset yet.",
            "Metrics compare a set with real or phantom training images.",
            "library",
            "Add one",
        )
        st.stop()
    arrive()
    arrive_at_test(Key.VIEW, PRIVACY)
    st.session_state.setdefault(Key.VIEW, ONE)
    view = st.segmented_control(
        "View",
        [ONE, SEVERAL, OTHERS, PRIVACY],
        key=Key.VIEW,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if view != PRIVACY:
        leave()
    {ONE: one_set, SEVERAL: compare, OTHERS: board, PRIVACY: privacy}[str(view or ONE)]()
