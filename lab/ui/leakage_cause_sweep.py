"""Seed after seed: one prompt, many seeds; tight clusters that sit on a training film are the sign of extraction."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.charts.extraction import Cluster, cluster_figure, strip_figure
from lab.errors import LabError
from lab.leakage.extraction import Ask
from lab.runs.artifacts import read_artifact
from lab.runs.leakage_requests import extraction_run
from lab.ui.films import training_word
from lab.ui.leakage_cause_ask import Suspect, chosen_film, followed, held_out_ask
from lab.ui.leakage_cause_samples import detector_choice, films, found_words, row_of
from lab.ui.sample_card import DETECTORS, percent
from lab.ui.sample_grid import preview
from lab.ui.state import LeakageKey as Key

PLAIN = {"displayModeBar": False}


def sweep() -> None:
    """Choose a film, ask for it with many seeds, and look."""
    chosen = chosen_film("sweep")
    if chosen is None:
        return
    suspect, film, seeds = chosen
    asks = [
        Ask(suspect.card.id, film.caption, film.image_id, "The film's own caption"),
        *controls(suspect, film),
    ]
    spec = extraction_run(asks, seeds, suspect.dataset)
    run = followed(spec, f"Ask {len(seeds)} times", len(asks) * len(seeds), preview)
    if run is None:
        st.caption(
            "The same seeds go to a well-trained generator, and a held-out film is asked for by its own caption: "
            "what is seen there happens by chance."
        )
        return
    result = run.result or {}
    st.markdown(f"#### {headline(result)}")
    _chart(result)
    left, right = st.columns([0.58, 0.42], gap="large")
    with left:
        _map(result)
    with right:
        _apart(result)
    films(result, "sweep")


def controls(suspect: Suspect, film: Any) -> list[Ask]:
    """The same words asked of a well-trained generator, and a held-out film asked of the same generator."""
    found = []
    if suspect.control is not None:
        words = "Same caption, well-trained generator"
        found.append(Ask(suspect.control.id, film.caption, film.image_id, words, "control"))
    other = held_out_ask(suspect, film)
    return [*found, *([other] if other else [])]


def headline(result: Mapping[str, Any]) -> str:
    """What the sweep found, with its control, in one or two sentences."""
    asked, *others = result["asks"]
    word = training_word(result["dataset"])
    if asked["found"]:
        first = f"The {word} comes back with {found_words(asked)} seeds."
    else:
        first = f"None found by these detectors at this sensitivity: {found_words(asked)} seeds."
    told = [f"{one['label'].lower()}: {found_words(one)}" for one in others]
    return f"{first} Control: {'; '.join(told)}." if told else first


def _chart(result: Mapping[str, Any]) -> None:
    detector = detector_choice(result, "sweep")
    rows = [row_of(ask, detector, f"{ask['label']}\n{found_words(ask)} found") for ask in result["asks"]]
    figure = strip_figure(rows, result["limits"][detector], DETECTORS.get(detector, detector).lower())
    st.plotly_chart(figure, key=f"{Key.CAUSE_CHART}.sweep.{detector}", config=PLAIN)
    st.caption(
        f"Each mark is one seed; the thick line is the median with its 95 % interval. The threshold is calibrated on "
        f"{result['n_reference']:,} training images of different patients (p ≤ 0.01 over {len(result['limits'])} "
        "detectors). Found: the film is the nearest of all and the verdict is near-copy."
    )


def _map(result: Mapping[str, Any]) -> None:
    st.markdown(
        "**Where the samples lie**",
        help="The feature-space map of the training images. Distances on a map mislead; the numbers beside it do not.",
    )
    background = _background(str(result["map"]))
    clusters = [
        Cluster(ask["label"], ask["role"], [one["map"] for one in ask["samples"] if one["map"]])
        for ask in result["asks"]
    ]
    if background is None or not any(cluster.points for cluster in clusters):
        st.caption("The map of this dataset is not fitted yet, so the samples have no place on it.")
        return
    asked = result["asks"][0]
    places = [("The film that is asked for", result["films"][asked["target"]])]
    figure = cluster_figure(background, clusters, [(name, place) for name, place in places if place])
    st.plotly_chart(figure, key=f"{Key.CAUSE_CHART}.map", config=PLAIN)


@st.cache_data(max_entries=4, show_spinner=False)
def _background(digest: str) -> NDArray[np.float32] | None:
    """Places of the training images, from the map's own artifact."""
    if digest == "none":
        return None
    try:
        with np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False) as stored:
            return np.asarray(stored["coordinates"], dtype=np.float32)
    except (LabError, KeyError):
        return None


def _apart(result: Mapping[str, Any]) -> None:
    st.markdown(
        "**How far the samples of one prompt lie apart**",
        help="Mean feature distance over all pairs, with a 95 % interval that leaves one image out at a time. "
        "Near 0: every seed gives the same picture.",
    )
    rows = [(ask["label"], ask["spread"]) for ask in result["asks"]]
    rows.append(("Training images of different patients", result["real_spread"]))
    table = pd.DataFrame(
        [
            {
                "Images": label,
                "Mean distance": f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})",
                "n": one["n"],
            }
            for label, one in rows
            if one
        ]
    )
    st.dataframe(table, hide_index=True, height="content")
    asked, real = result["asks"][0]["spread"], result["real_spread"]
    if asked and real and real["value"] > 0:
        st.caption(
            f"The samples of the film's own caption lie {percent(asked['value'] / real['value'], 0)} as far apart as "
            "training images of different patients do."
        )
