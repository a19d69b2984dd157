"""Metrics: choose both sides, check, launch, watch, read with intervals, compare with past runs."""

from __future__ import annotations

import streamlit as st

from lab.data.store import list_datasets
from lab.runs.records import Run
from lab.ui.frame import head, missing, sentences
from lab.ui.metric_form import form
from lab.ui.metric_results import history, results
from lab.ui.run_panel import find, stand_in
from lab.ui.state import MetricsKey as Key
from lab.ui.state import QueryKey


def current_run() -> Run | None:
    """The run this page shows: the session's, else the one in the address."""
    run = find(st.session_state.get(Key.RUN) or st.query_params.get(QueryKey.RUN))
    if run is None or run.kind != "evaluate":
        return None
    st.session_state[Key.RUN] = run.id
    if st.query_params.get(QueryKey.RUN) != run.id:
        st.query_params[QueryKey.RUN] = run.id
    return run


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
    with st.expander("What to measure", expanded=current_run() is None):
        form()
    run = current_run()
    if run is not None:
        if run.state == "done":
            results(run)
        else:
            stand_in(run)
    history()
