"""Which map, and which samples on it: chosen by a person, fitted and placed only when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lab.data.store import list_datasets
from lab.errors import LabError
from lab.features.extractors import DEFAULT
from lab.projection.neighbourhood import centroid_distances
from lab.prompts.past import words_of
from lab.runs.records import Run
from lab.runs.requests import latest_map, map_run, place_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.first_steps import readiness
from lab.ui.frame import missing, plain
from lab.ui.map_points import answered_here, placed_points, runs_of
from lab.ui.map_spaces import second_map
from lab.ui.run_panel import stand_in, submit
from lab.ui.sets import generation_runs
from lab.ui.state import MapKey as Key
from lab.ui.state import QueryKey

METHODS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
ABOUT = (
    "UMAP keeps neighbourhoods and is the default. PCA is linear: its axes are the two directions of largest spread. "
    "t-SNE keeps neighbourhoods too, but cannot place new images by itself: they go among their nearest."
)


def choose_dataset() -> str:
    """The dataset whose map is shown: at first that of the samples asked for, of the newest ones, or one with a map."""
    names = {card.id: card.title for card in list_datasets()}
    made, asked = generation_runs(), st.query_params.get(QueryKey.SET)
    new = bool(asked) and st.session_state.get(Key.ASKED) != asked
    if new or st.session_state.get(Key.DATASET) not in names:
        wanted = [run for run in made if run.id == asked] if new else made
        found = [name for run in wanted if (name := run.spec.settings["dataset"]) in names]
        kept = [name for name in (st.session_state.get(Key.DATASET),) if name in names]
        # Before there are samples: a set whose map is there, not the first of the alphabet.
        mapped = [] if found or kept else [name for name in names if latest_map(name) is not None]
        st.session_state[Key.DATASET] = [*found, *kept, *mapped, *names][0]
    picked = st.selectbox(
        "Dataset", list(names), format_func=names.__getitem__, key=Key.DATASET, persist_state="session"
    )
    return str(picked)


def choose_method() -> str:
    """How the map is made."""
    picked = st.selectbox("Map", list(METHODS), format_func=METHODS.__getitem__, key=Key.METHOD, help=ABOUT)
    return str(picked or "umap")


def find_map(dataset: str, method: str, extractor: str = DEFAULT) -> Run | None:
    """The finished map; else what it waits for is drawn, and nothing but UMAP is fitted without being asked for."""
    if extractor != DEFAULT:
        return second_map(dataset, extractor, method)
    if not readiness(dataset, "map"):
        return None
    fitted = latest_map(dataset, method=method)
    if fitted is not None:
        return fitted
    if method == "umap":
        missing(
            "The map of this dataset is out of date.", "Open Home to bring it up to date.", "home", "Home"
        )
        return None
    spec = map_run(dataset, method=method)
    begun = [run for run in RunStore.open().list(kinds=("map",), limit=50) if run.digest == spec.digest]
    if begun:
        stand_in(begun[0])
        return None
    with st.container(border=True):
        st.markdown(
            f"**There is no {METHODS[method]} map of this dataset yet.** It is fitted on training images only."
        )
        st.button(f"Fit the {METHODS[method]} map", type="primary", on_click=fit_map, args=(spec,))
    return None


def fit_map(spec: RunSpec) -> None:
    """Queue the fitting of a map."""
    try:
        submit(spec)
    except LabError as error:
        st.toast(plain(str(error)))


def choose_runs(dataset: str) -> list[Run]:
    """The generation runs whose samples are drawn: the one in the address, else the newest."""
    runs = {run.id: run for run in runs_of(dataset)}
    asked = st.query_params.get(QueryKey.SET)
    if asked in runs and st.session_state.get(Key.ASKED) != asked:
        st.session_state[Key.ASKED] = asked
        st.session_state[Key.SAMPLES] = [asked]
    st.session_state.setdefault(Key.SAMPLES, list(runs)[:1])
    st.session_state[Key.SAMPLES] = [name for name in st.session_state[Key.SAMPLES] if name in runs]
    picked = st.multiselect(
        "Samples", list(runs), format_func=lambda name: run_words(runs[name]), key=Key.SAMPLES, persist_state="session",
        placeholder="Runs whose samples are drawn" if runs else "No samples of this dataset's generators yet",
    )  # fmt: skip
    return [runs[name] for name in picked]


def run_words(run: Run) -> str:
    """A generation run in a few words; never more than a line."""
    chosen = run.spec.settings
    words = words_of(chosen)
    prompt = words if len(words) <= 40 else f"{words[:40]}…"
    return f"{prompt} · {chosen['generator']} · guidance {chosen['guidance']:g} · {len(chosen['seeds'])}"


def placements(fitted: Run, runs: Sequence[Run]) -> dict[str, Run]:
    """Finished place runs on this map, by generation run."""
    layer = str((fitted.result or {}).get("reference", ""))
    sets = {str((run.result or {}).get("sample_set")): run.id for run in runs}
    found: dict[str, Run] = {}
    for run in RunStore.open().list(states=("done",), kinds=("place",), limit=500):
        owner = sets.get(str(run.spec.settings["samples"]))
        if owner is not None and run.spec.inputs["map"] == layer:
            found.setdefault(owner, run)
    return found


def offer_placing(fitted: Run, runs: Sequence[Run], placed: Mapping[str, Run]) -> None:
    """A button that places what has no place on this map yet, and the progress of what was asked for."""
    waiting = [run for run in runs if run.id not in placed]
    begun = _placing(fitted, waiting)
    if begun is not None:
        stand_in(begun)
        return
    absent = [run for run in waiting if not answered_here(run, fitted)]
    if not absent:
        return
    count = sum(len((run.result or {}).get("samples", [])) for run in absent)
    st.button(
        f"Place {count} samples on this map", key=f"{Key.SAMPLES}.place", on_click=ask_to_place, args=(fitted, absent),
        icon=":material/add_location_alt:", help="These samples were made before this map, or for another one.",
    )  # fmt: skip


def _placing(fitted: Run, runs: Sequence[Run]) -> Run | None:
    layer = str((fitted.result or {}).get("reference", ""))
    sets = {str((run.result or {}).get("sample_set")) for run in runs}
    for run in RunStore.open().list(kinds=("place",), limit=100):
        if run.spec.settings["samples"] in sets and run.spec.inputs["map"] == layer and run.state != "done":
            return run
    return None


def ask_to_place(fitted: Run, runs: Sequence[Run]) -> None:
    """Queue a place run for each of these generation runs."""
    try:
        for run in runs:
            submit(place_run(fitted, str((run.result or {})["sample_set"])))
    except LabError as error:
        st.toast(plain(str(error)))


def centroids(fitted: Run, runs: Sequence[Run], placed: Mapping[str, Run]) -> None:
    """Distances between the centres of layers in feature space; the map's own distances are never given."""
    digest = (fitted.result or {}).get("neighbours")
    st.markdown(
        "**Centroid distances in feature space**",
        help="Euclidean distance between the mean unit features of two layers, in the space of all features. "
        "Held-out to training is what honest new images score. Distances on the two-dimensional map are not a metric "
        "and are not shown.",
    )
    if digest is None:
        st.caption("This map was made without them; fit it again to see them.")
        return
    stored = placed_points(digest)
    known: dict[str, Any] = {"Training": stored["centroid_train"]}
    if "centroid_held-out" in stored:
        known["Held-out"] = stored["centroid_held-out"]
    lacking = [run for run in runs if run.id not in placed]
    for run in runs:
        if run.id in placed:
            name = f"{run.spec.settings['generator']} · guidance {run.spec.settings['guidance']:g} · {run.id[:4]}"
            known[name] = placed_points(str((placed[run.id].result or {})["placed"]))["centroid"]
    table = pd.DataFrame(centroid_distances(known)[:, :2], index=list(known), columns=list(known)[:2])
    top = max(float(np.nanmax(table.to_numpy())), 1e-6)
    columns = {
        name: st.column_config.ProgressColumn(
            f"To {name.lower()}", format="%.3f", min_value=0.0, max_value=top
        )
        for name in table.columns
    }
    st.dataframe(table, column_config=columns, height="content")
    if lacking and _placing(fitted, lacking) is None:
        exact = (fitted.result or {})["method"][
            "name"
        ] != "tsne"  # t-SNE has no model that could place anything
        st.button(
            "Measure, and place by the fitted map" if exact else "Measure the chosen samples",
            key=f"{Key.SAMPLES}.measure", on_click=ask_to_place, args=(fitted, lacking), icon=":material/straighten:",
            help="Measures how far the chosen samples lie from training and held-out images" + (
                "; on the map they move from the mean of their 15 nearest training images to where the fitted map puts "
                "them." if exact else "."),
        )  # fmt: skip
