"""The prompt page and its address: a link to samples or to a grid opens them on their own tab."""

from __future__ import annotations

import streamlit as st

from lab.runs.grid_requests import KIND as GRID_KIND
from lab.runs.records import Run
from lab.ui import run_address
from lab.ui.grid_state import open_grid
from lab.ui.recall import open_run, refill
from lab.ui.run_address import come_by
from lab.ui.run_panel import find
from lab.ui.state import PromptKey as Key

OPENED = ("generate", GRID_KIND)


def arrive() -> None:
    """Open what the address names where a person has just come by it; called before anything is drawn."""
    state = st.session_state
    if Key.TAB not in state:
        # The page is opened: whatever its address names is come by, the same run again too.
        state.pop(Key.ADDRESS, None)
    asked = come_by(Key.ADDRESS)
    if asked is None:
        return
    state[Key.ADDRESS] = asked
    run = find(asked)
    if run is None or run.kind not in OPENED:
        st.info(
            "The address names no samples and no grid of this workspace; nothing was changed; those that are here "
            "stand under History.",
            icon=":material/link_off:",
        )
        return
    if Key.RUN not in state:
        refill(run)
    open_past(run)


def hold(run: Run) -> None:
    """Let the address name what is shown, so that a reload or a copied link shows it again."""
    run_address.hold(Key.ADDRESS, run.id)


def open_past(run: Run) -> None:
    """Show a past run where it belongs: samples beside the composer, a grid on the grid tab."""
    if run.kind == GRID_KIND:
        open_grid(run)
    else:
        open_run(run.id)
