"""The images behind a selection: a card with true neighbours, a gallery, and where the selection can go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.samples import NewSample, SampleSetWriter, open_sample_set
from lab.data.store import open_dataset
from lab.errors import LabError
from lab.generators.cards import get_card
from lab.provenance import digest_json
from lab.runs.artifacts import read_artifact
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import dataset_film, may_be_public, origin_note, sample_film
from lab.ui.frame import facts, link_with, place, plain
from lab.ui.map_points import SIDES, neighbours_of
from lab.ui.map_scene import NAMES
from lab.ui.metric_address import ONE
from lab.ui.sample_card import percent
from lab.ui.state import MapKey as Key
from lab.ui.state import MetricsKey, NeighboursKey, QueryKey
from lab.ui.viewer import Film, viewer

PAGE = 20
FULL_SIZE = 4
MOST = 1000
LISTED = 2000


def selection(table: pd.DataFrame, rows: NDArray[np.int64], fitted: Run, runs: Sequence[Run]) -> None:
    """What is selected: one card, or a gallery with exactly these images."""
    dataset = str(fitted.spec.settings["dataset"])
    if not len(rows):
        st.caption("Rest on a point for its film, click it for its card, or draw a lasso around several.")
        return
    chosen = table.loc[rows]
    if len(chosen) == 1:
        _card(table, int(rows[0]), fitted, runs)
        return
    counts = chosen["side"].value_counts()
    words = ", ".join(f"{int(counts[side]):,} {NAMES[side].lower()}" for side in SIDES if side in counts)
    st.markdown(f"**{len(chosen)} selected:** {words}")
    _send(chosen, dataset)
    pages = -(-len(chosen) // PAGE)
    page = st.pagination(pages, key=Key.GALLERY_PAGE) if pages > 1 else 1
    part = chosen.iloc[(page - 1) * PAGE : page * PAGE]
    with st.spinner("Reading films"):
        films = [film_of(row, dataset, small=len(part) > FULL_SIZE) for _, row in part.iterrows()]
    viewer(films, key=Key.GALLERY, columns=min(5, len(films)))


def film_of(row: Any, dataset: str, small: bool = False, words: str = "") -> Film:
    """The film behind a point of the map."""
    if row["side"] != "sample":
        words = words or f"{NAMES[row['side']][:-1]} {row['image_id']}\n{row['label']}"
        return dataset_film(dataset, str(row["image_id"]), words, small)
    words = words or f"seed {row['seed']}\n{row['generator']}"
    public = may_be_public(dataset)
    return sample_film(row, origin_note(dataset), words, badge=False, public=public, small=small)


def _card(table: pd.DataFrame, number: int, fitted: Run, runs: Sequence[Run]) -> None:
    """One point: its film, its true neighbours joined to it on the map, and facts; neighbours can be walked to."""
    row, dataset = table.iloc[number], str(fitted.spec.settings["dataset"])
    near = neighbours_of(table, number, fitted, runs)
    films = [film_of(row, dataset)]
    for at, (to, distance) in enumerate(zip(near["row"].astype(int), near["distance"], strict=True), 1):
        told = f"neighbour {at} in feature space\ndistance {distance:.4f}"
        films.append(film_of(table.iloc[to], dataset, words=told))
    st.markdown(f"**{NAMES[row['side']][:-1]}** and its nearest training images in feature space")
    with st.spinner("Reading films"):
        viewer(films, key=Key.GALLERY, columns=6)
    words, actions = st.columns([0.55, 0.45], gap="large")
    with words:
        facts(_facts(row, dataset))
    with actions:
        _walk(table, near)
        if row["side"] == "sample":
            asked = {QueryKey.SET: str(row["run"]), QueryKey.SAMPLE: str(row["image_id"])}
            link_with("neighbours", "See it beside its neighbours", asked, ":material/compare:")
        if row["side"] == "held-out":
            _to_neighbours(dataset, str(row["image_id"]))


def _to_neighbours(dataset: str, image_id: str) -> None:
    """A button that opens a held-out film on the Neighbours page, where that page lists it."""
    if image_id not in set(open_dataset(dataset).rows("held-out")["image_id"].head(LISTED).astype(str)):
        return
    if st.button("See it beside its neighbours", key=f"{Key.SELECTED}.near", icon=":material/compare:"):
        st.session_state[NeighboursKey.SET] = f"{dataset}:held-out"
        st.session_state[f"{NeighboursKey.SAMPLE}.{dataset}"] = image_id
        st.switch_page(place("neighbours"))


def _facts(row: Any, dataset: str) -> dict[str, object]:
    shown: dict[str, object] = {"Image": row["image_id"], "Label": row["label"] or "none"}
    if row["side"] == "sample":
        far = "no: its position means nothing" if row["off_map"] else "yes"
        shown |= {"Generator": row["generator"], "Seed": row["seed"], "Guidance": f"{row['guidance']:g}"}
        return shown | {"Verdict": row["verdict"] or "none", "On the map": far}
    whole = open_dataset(dataset).rows()
    found = whole[whole["image_id"] == row["image_id"]].iloc[0]
    shown |= {"Patient": row["patient"], "Split": found["split"], "Caption": found["caption"] or "none"}
    if row["side"] == "train":
        shown["Neighbours kept"] = f"{percent(row['kept'], 0)} of its nearest are near on the map"
    return shown | {
        "Torn": "yes: most of its true neighbours lie far away on the map" if row["torn"] else "no"
    }


def _walk(table: pd.DataFrame, near: pd.DataFrame) -> None:
    if not len(near):
        st.caption("The true neighbours of this map were not stored; fit the map again to see them.")
        return
    with st.container(horizontal=True):
        for at, to in enumerate(near["row"].astype(int), 1):
            key = str(table["key"].iloc[to])
            st.button(f"Go to {at}", key=f"{Key.SELECTED}.go.{at}", on_click=select, args=((key,),),
                      help="Open this neighbour on the map")  # fmt: skip


def select(keys: tuple[str, ...]) -> None:
    """Select these points."""
    st.session_state[Key.SELECTED] = keys


def _send(chosen: pd.DataFrame, dataset: str) -> None:
    """Where a selection of samples can go: kept as a set of its own, which every room can open."""
    samples = chosen[chosen["side"] == "sample"]
    if not len(samples):
        return
    st.button(
        f"Measure these {len(samples):,} samples", icon=":material/straighten:", key=f"{Key.SELECTED}.measure",
        on_click=_keep, args=(samples, dataset), disabled=len(samples) > MOST,
        help="Keeps the selected samples as a set of their own and opens Metrics with it. "
        f"At most {MOST:,} samples; the originals stay where they are.",
    )  # fmt: skip
    if refusal := st.session_state.pop(Key.REFUSAL, None):
        st.error(plain(refusal))
    kept = st.session_state.pop(f"{Key.SELECTED}.kept", None)
    if kept:
        st.switch_page(place("metrics"))


def _keep(samples: pd.DataFrame, dataset: str) -> None:
    state = st.session_state
    try:
        name = keep_set(samples, dataset)
    except LabError as error:
        state[Key.REFUSAL] = str(error)
        return
    state[MetricsKey.REAL], state[MetricsKey.SYNTHETIC] = dataset, name
    state[MetricsKey.RUN], state[MetricsKey.VIEW] = None, ONE
    state[f"{Key.SELECTED}.kept"] = name


def keep_set(samples: pd.DataFrame, dataset: str) -> str:
    """Keep selected samples as a sample set, each with its own recipe; returns its id, equal for equal samples.

    The licence is that of the sets they come from; where those differ, all of them apply.

    Raises:
        LabError: when a sample's image was deleted or the disk is full.
    """
    name = f"selection-{digest_json(sorted(samples['key']))[:12]}"
    ordered = samples.sort_values("key")
    origins = sorted(set(ordered["generator"]))
    recipes, licence = provenance(ordered)
    writer = SampleSetWriter(name, origins[0] if len(origins) == 1 else "several generators", parent=dataset,
                             phantom_trained=bool(origin_note(dataset)), licence=licence)  # fmt: skip
    missing = [at for at in range(len(ordered)) if at not in writer.done()]
    writer.append(
        NewSample(
            at,
            decode(read_artifact(str(row["artifact"]))).array,
            recipes.get(str(row["key"])) or {"seed": int(row["seed"])},
            str(row["prompt"]),
            str(row["label"]),
        )
        for at, (_, row) in enumerate(ordered.iterrows())
        if at in missing
    )
    writer.finalise()
    return name


def provenance(samples: pd.DataFrame) -> tuple[dict[str, dict[str, Any]], str]:
    """Recipe of each sample by its key, and the licence of the sets they come from, as those sets keep them.

    A set that was removed since gives neither; then its generator's card says the licence.
    """
    store = RunStore.open()
    recipes: dict[str, dict[str, Any]] = {}
    licences: list[str] = []
    for run_id, own in samples.groupby("run", sort=False):
        run = store.get(str(run_id))
        told = {
            str(one["image_id"]): one.get("recipe") or {} for one in (run.result or {}).get("samples", [])
        }
        try:
            kept = open_sample_set(str((run.result or {})["sample_set"]))
            told |= {name: recipe for name in own["image_id"] if (recipe := kept.recipe(str(name)))}
            licences.append(kept.card.licence)
        except LabError:
            licences.append("")
        licences[-1] = licences[-1] or _licence_of(str(own["generator"].iloc[0]))
        recipes |= {
            str(key): told.get(str(name), {}) for key, name in zip(own["key"], own["image_id"], strict=True)
        }
    return recipes, "; ".join(sorted(set(filter(None, licences))))


def _licence_of(generator: str) -> str:
    try:
        return get_card(generator).licence
    except LabError:
        return ""
