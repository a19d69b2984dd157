"""The published privacy protocol on the page: form, samples as they are made, the measurement that follows, numbers."""

from __future__ import annotations

import streamlit as st

from lab.runs.identity_requests import METRICS, PROMPTS, SEEDS
from lab.runs.records import Run
from lab.runs.requests import evaluate_run
from lab.ui.first_steps import latest, readiness
from lab.ui.frame import missing, plain
from lab.ui.privacy_runs import datasets, followed
from lab.ui.protocol_form import KIND, form
from lab.ui.protocol_result import result
from lab.ui.run_panel import duration, stand_in


def protocol() -> None:
    """Form, both runs and their numbers."""
    if not datasets():
        missing(
            "There is no dataset yet.",
            "The protocol prompts with captions of training images.",
            "library",
            "Add one",
        )
        return
    run = followed(KIND, "What to ask", form, _line)
    if run is None:
        st.caption(
            "The result says how sure a network is that a sample shows the patient of its prompt, how near it comes in "
            "pixels and in features, what held-out images of other patients score in its place, and shows the most "
            "suspicious pairs."
        )
    elif run.state == "done":
        _measured(run)


def _measured(run: Run) -> None:
    """The measurement of a finished set of samples: started here when nobody did, then followed, then shown."""
    made = run.result or {}
    told = f"{made['images']:,} samples: {made['prompts']:,} prompts with {len(made['seeds'])} seeds"
    told += f" by {made['generator']}"
    told += f", made in {duration(run.duration_s or 0)}."
    if made["prompts"] < PROMPTS or len(made["seeds"]) < len(SEEDS):
        told += f" The published protocol takes {PROMPTS:,} prompts with {len(SEEDS)} seeds: compare with its"
        told += " tables only at that size."
    if made.get("unfit_prompts"):
        told += f" {made['unfit_prompts']} captions could not be prompts and were left out."
    st.caption(plain(told))
    if not readiness(str(made["dataset"]), "embed"):
        return
    measured = latest(evaluate_run(str(made["dataset"]), str(made["sample_set"]), METRICS))
    if measured.state == "done":
        result(run, measured)
        return
    with st.container(border=True):
        st.markdown("**Measuring.** Each sample is compared with the training image its prompt belongs to.")
        stand_in(measured)


def _line(run: Run) -> str:
    asked = run.spec.settings
    return f"{asked['generator']} · {asked['prompts']:,} prompts with {len(asked['seeds'])} seeds"
