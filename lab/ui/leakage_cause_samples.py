"""Samples of an extraction: as rows of a chart, as films beside the film that was asked for, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lab.charts.extraction import Row
from lab.leakage.access_log import OPENED
from lab.leakage.extraction import middle
from lab.neighbours.intervals import wilson
from lab.ui.films import case_code, dataset_film, may_be_public, origin_note, sample_film, training_word
from lab.ui.leakage_case_access import record_once
from lab.ui.sample_card import DETECTORS, percent
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import viewer

MOST_SHOWN = 16


def detectors(result: Mapping[str, Any]) -> list[str]:
    """Detectors that measured the distance to the film that was asked for, registered correlation first."""
    measured = result["asks"][0]["samples"][0]["distances"]
    known = list(DETECTORS)
    return sorted(measured, key=lambda name: known.index(name) if name in known else len(known))


def leading(result: Mapping[str, Any]) -> str:
    """The detector that ranks by default."""
    return detectors(result)[0]


def detector_choice(result: Mapping[str, Any], panel: str) -> str:
    """The detector whose distance the chart shows."""
    names = detectors(result)
    chosen = st.segmented_control(
        "Distance", names, format_func=lambda name: DETECTORS.get(name, name), key=f"{Key.CAUSE_DETECTOR}.{panel}",
        default=names[0], required=True, persist_state="session",
        help="Registered correlation compares pixels after moving, turning and mirroring the sample a little; feature "
        "cosine compares what a network sees. The verdict of a sample takes both.",
    )  # fmt: skip
    return str(chosen)


def row_of(ask: Mapping[str, Any], detector: str, label: str | None = None) -> Row:
    """One prompt as a row of the chart."""
    samples = ask["samples"]
    values = [sample["distances"][detector] for sample in samples]
    told = middle(values)
    hovers = [
        f"{ask['label']}, seed {sample['seed']}: {value:.3f}, film at rank {sample['rank']:,} of "
        f"{sample['compared']:,}, {sample['label']}"
        for sample, value in zip(samples, values, strict=True)
    ]
    return Row(label or ask["label"], ask["role"], values, hovers, told.value, told.low, told.high)


def found_words(ask: Mapping[str, Any]) -> str:
    """How many seeds gave the film back, with the interval."""
    share = wilson(int(ask["found"]), len(ask["samples"]))
    return f"{share.hits} of {share.n} ({percent(share.low, 0)} to {percent(share.high, 0)})"


def films(result: Mapping[str, Any], panel: str) -> None:
    """The film that was asked for, large, and the samples of one prompt beside it."""
    asks: Sequence[Mapping[str, Any]] = result["asks"]
    labels = [f"{at + 1}. {ask['label']}" for at, ask in enumerate(asks)]
    pick = st.selectbox(
        "Samples of", range(len(asks)), format_func=labels.__getitem__, key=f"{Key.CAUSE_SHOWN}.{panel}"
    )
    ask, dataset = asks[int(pick or 0)], str(result["dataset"])
    st.text(ask["prompt"])
    word = training_word(dataset) if ask["split"] == "train" else "held-out film, never trained on"
    record_once(OPENED, dataset, case_code(ask["target"]))
    note, public, order = origin_note(dataset), may_be_public(dataset), detectors(result)
    shown = [dataset_film(dataset, ask["target"], f"the {word} that is asked for")]
    for sample in ask["samples"][:MOST_SHOWN]:
        near = ", ".join(f"{sample['distances'][name]:.3f}" for name in order)
        words = f"seed {sample['seed']}\ndistance {near}"
        shown.append(
            sample_film({**sample, "verdict": {"label": sample["label"]}}, note, words, public=public)
        )
    viewer(shown, key=f"{Key.CAUSE_VIEWER}.{panel}.{pick}", columns=6, lead=True)
    left = len(ask["samples"]) - MOST_SHOWN
    more = f" {left} more seeds are in the chart." if left > 0 else ""
    names = ", ".join(DETECTORS.get(name, name).lower() for name in order)
    st.caption(f"Distances: {names}. Badges are verdicts on the nearest film of all.{more}")
