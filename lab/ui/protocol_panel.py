"""The published privacy protocol on the page: form, samples as they are made, the measurement after them, numbers."""

from __future__ import annotations

import streamlit as st

from lab.runs.identity_requests import METRICS, PROMPTS, SEEDS
from lab.runs.records import Run
from lab.runs.requests import evaluate_run
from lab.ui.first_steps import latest, readiness
from lab.ui.frame import plain
from lab.ui.privacy_runs import PrivacyTest
from lab.ui.protocol_cost import KIND
from lab.ui.protocol_form import form
from lab.ui.protocol_result import result
from lab.ui.run_panel import duration, stand_in


def _measured(run: Run) -> None:
    """The measurement of a finished set of samples, queued by the run that made it, until it can be shown.

    It is asked for here once more: a network trained since, or a dataset that was gone, makes another one of it.
    """
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
        st.markdown(
            "**Step 2 of 2: measuring.** Each sample is compared with the training image its prompt belongs to."
        )
        stand_in(measured)


def _line(run: Run) -> str:
    asked = run.spec.settings
    return f"{asked['generator']} · {asked['prompts']:,} prompts with {len(asked['seeds'])} seeds"


PROTOCOL = PrivacyTest(
    KIND,
    "Ten seeds a prompt",
    "Ask a generator for its own training captions, ten times each: does it give the patients back?",
    "It prompts with captions of training images.",
    "What to ask",
    form,
    _line,
    _measured,
    "The result says how sure a network is that a sample shows the patient of its prompt, how near it comes in pixels "
    "and in features, what held-out images of other patients score in its place, and shows the most suspicious pairs.",
    "Step 1 of 2: the samples are made. Step 2, measuring them, follows by itself, whether this page is open or not.",
)
