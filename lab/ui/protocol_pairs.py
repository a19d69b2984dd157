"""The most suspicious pairs of a protocol run: each sample beside the training image of its prompt."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lab.charts.theme import number
from lab.runs.records import Run
from lab.ui.films import dataset_film, training_word
from lab.ui.metric_flagged import sample_of
from lab.ui.protocol_numbers import Scores
from lab.ui.sets import open_set
from lab.ui.state import PrivacyKey as Key
from lab.ui.viewer import Film, viewer

PAIRS, PAGES = 4, 12


def pairs(dataset: str, reference: str, scores: Scores, run: Run) -> None:
    """A page of pairs, the most suspicious first."""
    samples, real = open_set(reference), open_set(f"{dataset}:train")
    names, films, frame = samples.ids(), real.ids(), samples.frame()
    order = scores.order()[: PAIRS * PAGES]
    st.markdown("**The most suspicious pairs**")
    st.caption(
        "Each sample beside the training image whose caption it was asked with. A high score need not be a copy, and "
        "a copy of another patient is not looked for here: the Leakage page searches all training images."
    )
    key = f"{Key.PAIRS}.{run.id}.{scores.metric}"
    count = -(-len(order) // PAIRS)
    page = st.pagination(count, key=f"{key}.page") if count > 1 else 1
    drawn: list[Film] = []
    with st.spinner("Reading films"):
        for place, at in enumerate(order[(page - 1) * PAIRS : page * PAIRS], (page - 1) * PAIRS + 1):
            name = names[int(scores.samples[at])]
            words = f"{place}. sample {name[:6]}{_seed(frame.iloc[int(scores.samples[at])])}"
            value = float(scores.pairs[at])
            words += f"\n{scores.title} {number(value)}{_control(scores, value)}"
            drawn.append(sample_of(reference, name, dataset, words))
            drawn.append(
                dataset_film(
                    dataset, films[int(scores.own[at])], f"{place}. {training_word(dataset)} of its prompt"
                )
            )
    viewer(drawn, key=f"{key}.viewer", columns=4)


def _seed(row: object) -> str:
    """The seed out of a sample's recipe, where it holds one."""
    import json

    try:
        told = json.loads(str(row["recipe"]))  # type: ignore[index]
    except (KeyError, ValueError):
        return ""
    return f" · seed {told['seed']}" if isinstance(told, dict) and "seed" in told else ""


def _control(scores: Scores, value: float) -> str:
    """How many held-out prompts are less suspicious: the control as a count, so never finer than it is."""
    n = len(scores.control)
    if not n:
        return ""
    beaten = int(np.sum(scores.control < value) if scores.near_high else np.sum(scores.control > value))
    return f"\nmore suspicious than {'all' if beaten == n else f'{beaten:,} of'} {n:,} of the control"
