"""Getting a dataset ready: the runs it still needs, one after the other, each of them resumable."""

from __future__ import annotations

import logging
import os
import time

import streamlit as st

from lab.errors import LabError
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.states import ENDED
from lab.runs.store import RunStore
from lab.ui.run_panel import see_to, stand_in, start_worker, submit

_LOG = logging.getLogger("lab.ui")
_STEPS = {
    "phantom": "Taking in the phantoms",
    "embed": "Extracting features",
    "calibrate": "Calibrating the near-copy detectors",
    "map": "Fitting the feature-space map",
}


def begin(poll_s: float = 1.0) -> None:
    """Start a worker and get the embedded phantom set and the demonstration ready; called once, outside any session.

    `LAB_PREPARE=0` starts the worker only. It stops at the first step that fails or is cancelled: the home page
    shows that step and a resume button.
    """
    from lab.leakage.demo_runs import next_preparation

    start_worker()
    if os.environ.get("LAB_PREPARE", "1") == "0":
        return
    while (spec := next_preparation()) is not None:
        run = submit(spec)
        while run.state not in ENDED:
            time.sleep(poll_s)
            run = RunStore.open().get(run.id)
            see_to(run)
        if run.state != "done":
            _LOG.warning("getting ready stopped: a %s run was %s", run.kind, run.state)
            return


def pending(dataset: str, upto: str = "map") -> Run | None:
    """The step a dataset waits for: submitted when nobody did; None when the dataset is ready.

    A step that failed or was cancelled is returned as it ended, not submitted again behind a person's back.

    Raises:
        LabError: when the dataset or the store cannot be read.
    """
    from lab.runs.prepare import next_step

    spec = next_step(dataset, upto=upto)
    return None if spec is None else latest(spec)


def latest(spec: RunSpec) -> Run:
    """The newest run of a spec, however it ended; submitted when nobody did.

    Raises:
        LabError: when the store cannot be read or refuses it.
    """
    digest = spec.digest
    known = [run for run in RunStore.open().list(kinds=(spec.kind,), limit=50) if run.digest == digest]
    return known[0] if known else submit(spec)


def readiness(dataset: str, upto: str = "map") -> bool:
    """Whether a dataset is ready; else show the step it waits for and let it go on."""
    try:
        run = pending(dataset, upto)
    except LabError as error:
        st.error(str(error))
        return False
    if run is None:
        return True
    with st.container(border=True):
        st.markdown(
            f"**Getting ready.** {_STEPS.get(run.kind, run.kind)}. It goes on when you leave this page."
        )
        stand_in(run)
    return False
