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
from lab.ui.run_panel import find, see_to, stand_in, start_worker, submit
from lab.ui.state import FrameKey

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


def carry_on() -> None:
    """Submit the next step of each dataset a person began to make ready; the sidebar of every page calls it.

    A step that failed or was cancelled ends it: the pages that need the dataset show that step and a resume button.

    Raises:
        LabError: when the store cannot be read.
    """
    waiting: dict[str, tuple[str, str]] = st.session_state.get(FrameKey.PREPARING, {})
    going = dict(waiting)
    for dataset, (upto, run_id) in waiting.items():
        step = find(run_id)
        if step is not None and not step.is_over:
            continue
        del going[dataset]
        run = pending(dataset, upto)
        if run is not None and not run.is_over:
            going[dataset] = (upto, run.id)
    if going != waiting:
        st.session_state[FrameKey.PREPARING] = going


def readiness(dataset: str, upto: str = "map") -> bool:
    """Whether a dataset is ready; else show the step it waits for and let it go on, on whichever page one is."""
    try:
        run = pending(dataset, upto)
    except LabError as error:
        st.error(str(error))
        return False
    if run is None:
        return True
    if not run.is_over:
        going = st.session_state.get(FrameKey.PREPARING, {})
        st.session_state[FrameKey.PREPARING] = {**going, dataset: (upto, run.id)}
    with st.container(border=True):
        st.markdown(
            f"**Getting ready.** {_STEPS.get(run.kind, run.kind)}. It goes on when you leave this page."
        )
        stand_in(run)
    return False
