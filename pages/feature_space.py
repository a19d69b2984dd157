"""Feature space: where samples fall among training and held-out images."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.data.store import list_datasets
from lab.runs.records import Run
from lab.ui.frame import head, missing, sentences
from lab.ui.map_gallery import select, selection
from lab.ui.map_layers import (
    centroids,
    choose_dataset,
    choose_method,
    choose_runs,
    find_map,
    offer_placing,
    placements,
    run_words,
)
from lab.ui.map_points import points
from lab.ui.map_spaces import agreement_panel, choose_space
from lab.ui.map_view import chart, controls, honesty
from lab.ui.state import MapKey as Key
from lab.ui.state import QueryKey


def take_asked(table: pd.DataFrame) -> None:
    """Select the sample named in the address, once for each address."""
    asked = st.query_params.get(QueryKey.SAMPLE)
    if not asked or st.session_state.get(f"{Key.ASKED}.sample") == asked:
        return
    found = table.loc[table["image_id"] == asked, "key"].tolist()
    if found:
        st.session_state[f"{Key.ASKED}.sample"] = asked
        select(tuple(found[:1]))


@st.fragment
def explore(table: pd.DataFrame, fitted: Run, runs: list[Run]) -> None:
    """The map and the images behind a selection, drawn anew without the rest of the page."""
    with sentences():
        chosen = controls(table)
        words = {run.id: run_words(run) for run in runs}
        rows = chart(table, fitted, runs, chosen, words)
        selection(table, rows, fitted, runs)
        honesty(fitted, table)


head(
    "Feature space",
    "Every training image, held-out image and sample as a point; near points have like features.",
    films=True,
)
with sentences():
    if not list_datasets():
        missing("There is no map yet.", "A map needs a dataset with features.", "library", "Library")
        st.stop()
    left, middle, space, right = st.columns([0.25, 0.12, 0.19, 0.44], vertical_alignment="bottom")
    with left:
        dataset = choose_dataset()
    with middle:
        method = choose_method()
    with space:
        extractor = choose_space(dataset)
    fitted = find_map(dataset, method, extractor)
    if fitted is not None:
        with right:
            runs = choose_runs(dataset)
        placed = placements(fitted, runs)
        offer_placing(fitted, runs, placed)
        table = points(fitted, runs, placed)
        take_asked(table)
        explore(table, fitted, runs)
        agreement_panel(dataset, extractor)
        centroids(fitted, runs, placed)
