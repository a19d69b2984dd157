"""Getting the demonstration ready: its first slides need nothing, the others the audits that run in the background."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.leakage.demo_counts import Truth
from lab.leakage.demo_runs import Audits, Case, audits, case, the_truth
from lab.leakage.population import near_copy_limit
from lab.runs.artifacts import read_artifact
from lab.runs.spec import RunSpec
from lab.ui.first_steps import latest
from lab.ui.frame import refuse
from lab.ui.run_panel import stand_in

_WORDS = {
    "audit": "Every sample of the demonstration is put beside its nearest training image",
    "neighbours": "The one case is searched among the training images and the held-out ones",
}


def case_or_progress() -> Case | None:
    """The case; None while it is being prepared: its progress is drawn then."""
    try:
        found = case()
    except LabError as error:
        refuse(error)
        return None
    if isinstance(found, RunSpec):
        _progress(found)
        return None
    return found


def audits_or_progress(truth: Truth) -> Audits | None:
    """What the slides count from; None while it is being prepared: its progress is drawn then."""
    try:
        found = audits(truth)
    except LabError as error:
        refuse(error)
        return None
    if isinstance(found, RunSpec):
        _progress(found)
        return None
    return found


def _progress(spec: RunSpec) -> None:
    try:
        run = latest(spec)
    except LabError as error:
        refuse(error)
        return
    with st.container(border=True):
        st.markdown(
            f"**Getting ready.** {_WORDS.get(run.kind, run.label)}. It goes on when you leave this page."
        )
        stand_in(run)


@st.cache_data(max_entries=4, show_spinner=False)
def truth_of_dataset(digest: str) -> Truth:
    """Who was in the training; the digest of the dataset is the whole cache key, the lists come with the program."""
    return the_truth()


def limit_of(reference: NDArray[Any], detectors: int) -> float:
    """The distance up to which one detector alone tells a near-copy; the smallest one known where none can be told."""
    limit = near_copy_limit(np.asarray(reference, dtype=np.float64), detectors)
    return float(np.min(reference)) if limit is None else limit


@st.cache_data(max_entries=32, show_spinner=False)
def distances_of(digest: str) -> NDArray[Any]:
    """The distances that an audit kept as an artifact, (n,); the digest is the whole cache key."""
    return np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False)
