"""Feature space: where samples fall among training and held-out images."""

from __future__ import annotations

import streamlit as st

from lab.data.store import list_datasets
from lab.runs.records import Run
from lab.runs.requests import latest_map
from lab.ui.first_steps import readiness
from lab.ui.frame import head, missing, sentences
from lab.ui.map_points import points, runs_on
from lab.ui.map_view import chart, honesty, selection
from lab.ui.state import MapKey as Key
from lab.ui.state import QueryKey


def choose_dataset() -> str:
    """The dataset whose map is shown."""
    names = {card.id: card.title for card in list_datasets()}
    if st.session_state.get(Key.DATASET) not in names:
        st.session_state[Key.DATASET] = next(iter(names))
    return str(
        st.selectbox(
            "Dataset", list(names), format_func=names.__getitem__, key=Key.DATASET, persist_state="session"
        )
    )


def choose_runs(fitted: Run) -> list[Run]:
    """The generation runs whose samples are drawn: the one in the address, else the newest."""
    runs = {run.id: run for run in runs_on(fitted)}
    asked = st.query_params.get(QueryKey.SET)
    if asked in runs and st.session_state.get(Key.ASKED) != asked:
        st.session_state[Key.ASKED] = asked
        st.session_state[Key.SAMPLES] = [asked]
    st.session_state.setdefault(Key.SAMPLES, list(runs)[:1])
    st.session_state[Key.SAMPLES] = [name for name in st.session_state[Key.SAMPLES] if name in runs]
    picked = st.multiselect(
        "Samples",
        list(runs),
        format_func=lambda name: runs[name].spec.settings["prompt"][:60],
        key=Key.SAMPLES,
        persist_state="session",
        placeholder="Samples placed on this map" if runs else "No samples on this map yet",
    )
    return [runs[name] for name in picked]


head(
    "Feature space",
    "Every training image, held-out image and sample as a point; near points have like features.",
    films=True,
)
with sentences():
    if not list_datasets():
        missing("There is no map yet.", "A map needs a dataset with features.", "library", "Library")
        st.stop()
    left, right = st.columns([0.35, 0.65])
    with left:
        dataset = choose_dataset()
    if readiness(dataset, "map"):
        fitted = latest_map(dataset)
        if fitted is None:
            missing(
                "The map of this dataset is out of date.", "Open Home to bring it up to date.", "home", "Home"
            )
            st.stop()
        with right:
            table = points(fitted, choose_runs(fitted))
        rows = chart(table, fitted, st.query_params.get(QueryKey.SAMPLE))
        honesty(fitted)
        selection(table, rows, dataset)
