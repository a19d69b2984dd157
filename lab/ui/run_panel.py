"""Following a run: its stage, pace, preview, and the buttons to stop or resume it.

Everything is read from the store, so a reload, a second tab or a new server shows the same.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import streamlit as st

from lab.errors import LabError, NotFoundError
from lab.runs.comparisons import judged
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.states import QUEUED, RESUMABLE, RUNNING
from lab.runs.store import RunStore
from lab.ui.frame import plain, refuse

POLL_S = 0.7
_WORDS = {"queued": "Waiting", "running": "Running", "done": "Done"}
_WORDS |= {"failed": "Failed", "cancelled": "Cancelled", "interrupted": "Interrupted"}


def start_worker() -> None:
    """See that a worker is there, unless this server may start none (`LAB_START_WORKER=0`)."""
    from lab.runs.client import ensure_worker

    if os.environ.get("LAB_START_WORKER", "1") != "0":
        ensure_worker()


def submit(spec: RunSpec) -> Run:
    """Queue a run (or take the one of the same digest) and see that a worker is there.

    Raises:
        LabError: when the store refuses it.
    """
    run = RunStore.open().submit(spec)
    if not run.is_over:
        start_worker()
    return run


def find(run_id: str | None) -> Run | None:
    """The run of that id, its samples with verdicts that came later; None for none, a malformed or an unknown id."""
    if not run_id or len(run_id) > 32 or not run_id.isalnum():
        return None
    try:
        return judged([RunStore.open().get(run_id)])[0]
    except NotFoundError:
        return None


def active(kinds: tuple[str, ...] | None = None) -> list[Run]:
    """Queued and running runs, oldest first."""
    return RunStore.open().list(states=(RUNNING, QUEUED), kinds=kinds, limit=50)[::-1]


def stand_in(run: Run, draw: Callable[[Run], None] | None = None) -> None:
    """Show a run that has no result yet: progress while it goes on, else why it stopped.

    The page is drawn anew once when the run ends. `draw` adds to the progress, such as a preview.
    """
    if run.is_over:
        stopped(run)
    else:
        _follow(run.id, draw)


@st.fragment(run_every=POLL_S)
def _follow(run_id: str, draw: Callable[[Run], None] | None) -> None:
    try:
        run = RunStore.open().get(run_id)
    except LabError as error:
        refuse(error)
        return
    if run.is_over:
        st.rerun()
    see_to(run)
    meter(run)
    if draw is not None:
        draw(run)


def see_to(run: Run, every_s: int = 5) -> None:
    """Start a worker for a run that has lost its own; looked at every few seconds."""
    if not run.is_over and int(time.time()) % every_s == 0:
        try:
            start_worker()
        except LabError as error:
            refuse(error)


def meter(run: Run, where: str = "panel") -> None:
    """Bar, words and the stop button of a run that goes on; `where` keeps two of them on a page apart."""
    progress = run.progress
    bar, stop = st.columns([0.8, 0.2], vertical_alignment="bottom")
    with bar:
        st.progress(share_done(run), text=plain(in_words(run)))
        if progress is not None and progress.message:
            st.caption(plain(progress.message))
    with stop:
        st.button(
            "Stopping…" if run.cancel_requested else "Cancel",
            key=f"cancel.{where}.{run.id}",
            on_click=cancel,
            args=(run.id,),
            disabled=run.cancel_requested,
            help="Stops within one batch. Finished batches are kept and a resumed run goes on from them.",
            width="stretch",
        )


def share_done(run: Run) -> float:
    """How far a run is, 0 to 1; one that waits again, as for a new worker, still holds what it told last."""
    return run.progress.fraction if run.progress and run.state == RUNNING else 0.0


def in_words(run: Run) -> str:
    """State, stage, count and time left of a run, in one line."""
    progress = run.progress
    if run.state == QUEUED:
        return f"Waiting for the worker: {run.label}"
    if progress is None:
        return f"Starting: {run.label}"
    parts = [progress.stage]
    if progress.total:
        parts.append(f"{progress.done:g} of {progress.total:g}")
    if progress.remaining_s is not None:
        parts.append(f"about {duration(progress.remaining_s)} left")
    return " · ".join(parts)


def stopped(run: Run) -> None:
    """Why a run ended without a result, and a button to go on."""
    why = run.error or f"The run was {run.state}; finished batches are kept; resume it or start another."
    (st.warning if run.state == "cancelled" else st.error)(plain(why))
    if run.state in RESUMABLE:
        st.button("Resume", key=f"resume.{run.id}", on_click=resume, args=(run.id,), icon=":material/resume:")


def cancel(run_id: str) -> None:
    """Ask a run to stop; asking twice does no harm."""
    try:
        RunStore.open().cancel(run_id)
    except LabError as error:
        st.toast(plain(str(error)))


def resume(run_id: str) -> None:
    """Queue an ended run again."""
    try:
        RunStore.open().resume(run_id)
        start_worker()
    except LabError as error:
        st.toast(plain(str(error)))


def state_word(run: Run) -> str:
    """The state as a word for tables."""
    return _WORDS[run.state]


def duration(seconds: float) -> str:
    """Seconds as "8 s", "3 min" or "1.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def expected(kind: str, size: float, measure: Callable[[Run], float]) -> tuple[float, int] | None:
    """Seconds a run of that kind and size will take, from past runs, and how many runs say so.

    Args:
        kind: the run kind.
        size: what the cost grows with, such as the number of images.
        measure: the same size of a past run.
    """
    past = RunStore.open().list(states=("done",), kinds=(kind,), limit=20)
    paces = [run.duration_s / measure(run) for run in past if run.duration_s and measure(run) > 0]
    return (statistics.median(paces) * size, len(paces)) if paces else None
