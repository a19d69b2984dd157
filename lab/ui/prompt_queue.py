"""What runs and what waits: its place, how far it is, and the buttons to stop it or let it go first."""

from __future__ import annotations

import statistics
import time

import streamlit as st

from lab.errors import LabError
from lab.prompts.past import numbers_of, words_of
from lab.runs.records import Run
from lab.runs.states import CANCELLED, RUNNING
from lab.runs.store import RunStore
from lab.ui.films import artifact_pixels
from lab.ui.frame import plain, refuse
from lab.ui.prompt_address import OPENED, open_past
from lab.ui.run_panel import POLL_S, cancel, duration, resume, see_to

RECENT_S = 900.0


def queue_tab() -> None:
    """Draw it; it polls the store by itself and shows the same after a reload or on another machine."""
    _queue()


@st.fragment(run_every=POLL_S)
def _queue() -> None:
    store = RunStore.open()
    try:
        waiting = store.queue()
        stopped = _just_cancelled(store)
    except LabError as error:
        refuse(error)
        return
    if not waiting:
        st.caption(
            ":material/check_circle: Nothing is running and nothing waits. Closing this page never stops a run."
        )
    pace = _paces(store) if waiting else {}
    place = 0
    for run in waiting:
        see_to(run)
        place += run.state != RUNNING
        _row(run, place, pace)
    if stopped:
        st.caption("Cancelled in the last quarter of an hour")
    for run in stopped:
        _again(run)


def _row(run: Run, place: int, pace: dict[str, float]) -> None:
    with st.container(border=True):
        picture, words, actions = st.columns([0.13, 0.5, 0.37], vertical_alignment="center")
        with picture:
            _preview(run, place)
        with words, st.container(gap="xsmall"):
            st.text(title_of(run))
            if run.kind == "generate":
                past = run.spec.settings
                st.caption(plain(f"{numbers_of(past)} · {past['generator']}"))
            if run.state == RUNNING:
                fraction = run.progress.fraction if run.progress else 0.0
                st.progress(fraction, text=plain(_how_far(run)))
            else:
                st.caption(plain(_waits(run, place, pace)))
        with actions, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
            if run.state != RUNNING and place > 1:
                st.button(
                    "To the front",
                    key=f"front.{run.id}",
                    on_click=_to_front,
                    args=(run.id,),
                    icon=":material/vertical_align_top:",
                )
            if run.kind in OPENED and st.button(
                "Open", key=f"queue.open.{run.id}", on_click=open_past, args=(run,)
            ):
                st.rerun()  # the whole page: another tab opens
            st.button(
                "Stopping…" if run.cancel_requested else "Cancel",
                key=f"cancel.queue.{run.id}",
                on_click=cancel,
                args=(run.id,),
                disabled=run.cancel_requested,
                icon=":material/close:",
                help="Stops within one batch. Finished batches are kept, and it can be queued again below.",
            )


def _again(run: Run) -> None:
    words, action = st.columns([0.8, 0.2], vertical_alignment="center")
    with words:
        st.text(title_of(run))
    with action:
        st.button(
            "Queue again",
            key=f"again.{run.id}",
            on_click=resume,
            args=(run.id,),
            icon=":material/undo:",
            width="stretch",
            help="Finished batches are kept, so it goes on where it stopped.",
        )


def title_of(run: Run) -> str:
    """A run in a line: the words of a generation, the label of any other."""
    text = words_of(run.spec.settings) if run.kind == "generate" else run.label
    return text if len(text) <= 120 else text[:120] + "…"


def _preview(run: Run, place: int) -> None:
    """The picture a run shows of itself while it is being made; else its place."""
    shown = run.progress.preview if run.progress and run.state == RUNNING else None
    if shown is None:
        st.markdown(":material/autorenew: Now" if run.state == RUNNING else f"**{place}.**")
        return
    strip = artifact_pixels(shown)
    side = strip.shape[0]
    st.image(strip[:, :side], width=96, output_format="PNG", alt="A synthetic sample, not finished yet")
    st.caption("SYNTHETIC, unfinished")


def _how_far(run: Run) -> str:
    progress = run.progress
    if progress is None:
        return "Starting"
    parts = [progress.stage]
    if progress.total:
        parts.append(f"{progress.done:g} of {progress.total:g}")
    if progress.remaining_s is not None:
        parts.append(f"about {duration(progress.remaining_s)} left")
    return " · ".join(parts)


def _waits(run: Run, place: int, pace: dict[str, float]) -> str:
    asked = f"Waits at place {place} since {duration(max(0.0, time.time() - run.created))}"
    known = pace.get(str(run.spec.settings.get("generator", "")))
    if run.kind != "generate" or known is None:
        return asked
    return f"{asked} · takes about {duration(known * _size(run))}"


def _size(run: Run) -> float:
    return float(len(run.spec.settings["seeds"]) * run.spec.settings["steps"])


def _paces(store: RunStore) -> dict[str, float]:
    """Seconds an image and step, by generator, as the last runs took."""
    took: dict[str, list[float]] = {}
    for run in store.list(states=("done",), kinds=("generate",), limit=20, results=False):
        if run.duration_s:
            took.setdefault(str(run.spec.settings["generator"]), []).append(
                run.duration_s / max(1.0, _size(run))
            )
    return {generator: statistics.median(paces) for generator, paces in took.items()}


def _just_cancelled(store: RunStore) -> list[Run]:
    """Generation runs cancelled a short while ago and not asked again since."""
    since = time.time() - RECENT_S
    found = store.list(states=(CANCELLED,), kinds=("generate", "grid"), limit=10, results=False)
    return [run for run in found if (run.ended or 0.0) >= since][:4]


def _to_front(run_id: str) -> None:
    try:
        RunStore.open().move_to_front(run_id)
    except LabError as error:
        st.toast(plain(str(error)))
