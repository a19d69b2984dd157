"""Grids of before, newest first, to open again."""

from __future__ import annotations

import time

import streamlit as st

from lab.runs.grid_axes import axis_from_json
from lab.runs.grid_requests import KIND
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.grid_state import show
from lab.ui.run_panel import state_word
from lab.ui.state import GridKey as Key

MOST = 100


def past_grids(current: Run | None, mode: str) -> None:
    """A list of the grids of this mode; choosing one shows it."""
    runs = [
        run for run in RunStore.open().list(kinds=(KIND,), limit=MOST, results=False) if _mode(run) == mode
    ]
    if not runs:
        return
    named = {run.id: _words(run) for run in runs}
    key = f"{Key.PAST}.{mode}"
    st.session_state[key] = current.id if current is not None and current.id in named else None
    st.selectbox(
        "Earlier", list(named), key=key, format_func=named.__getitem__, on_change=_open, args=(key,),
        placeholder=f"Open one of {len(named)}", label_visibility="collapsed",
    )  # fmt: skip


def _open(key: str) -> None:
    if chosen := st.session_state.get(key):
        show(str(chosen))


def _mode(run: Run) -> str:
    return str(run.spec.settings["mode"])


def title_of(run: Run) -> str:
    """The name of a grid, else its axes and the prompt they vary."""
    chosen = run.spec.settings
    axes = [one.title.lower() for one in map(axis_from_json, (chosen["columns"], chosen["rows"])) if one]
    varied, prompt = " by ".join(axes), str(chosen["base"]["prompt"])[:60]
    said = f"{varied}: {prompt}" if prompt else varied
    return str(chosen["name"]) or f"{said[:1].upper()}{said[1:]}"


def _words(run: Run) -> str:
    chosen = run.spec.settings
    when = time.strftime("%d %b %H:%M", time.localtime(run.created))
    state = "" if run.state == "done" else f" · {state_word(run).lower()}"
    return f"{title_of(run)} · {len(chosen['cells'])} cells · {when}{state}"
