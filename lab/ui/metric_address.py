"""The metrics page and its address: a link to a run, to a comparison or to published rows opens it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lab.report.published.tables import figures
from lab.runs.records import Run
from lab.ui.privacy_runs import KINDS as PRIVACY_KINDS
from lab.ui.run_address import come_by, hold, let_go
from lab.ui.run_panel import find
from lab.ui.state import MetricsKey as Key
from lab.ui.state import QueryKey

ONE, SEVERAL, OTHERS = "One set", "Compare sets", "Beside published"
KIND = "evaluate"
MOST = 8
"""Runs that stand beside each other."""
GIVEN = f"{Key.PICKED}.given"
"""Counts the comparisons that a link has opened."""
_NOTHING = "none"
_SEEN = {
    QueryKey.RUN: Key.ADDRESS,
    QueryKey.RUNS: f"{Key.ADDRESS}.runs",
    QueryKey.BOARD: f"{Key.ADDRESS}.board",
}


def arrive() -> None:
    """Open what the address names where a person has just come by it; called before anything is drawn.

    A privacy test is left to its own view.
    """
    for name, open_what in ((QueryKey.RUN, _to_run), (QueryKey.RUNS, _to_runs), (QueryKey.BOARD, _to_board)):
        asked = come_by(_SEEN[name], name)
        if asked is not None and not open_what(asked):
            st.session_state[_SEEN[name]] = asked
            st.info(
                "The address names no metric run of this workspace; nothing was changed; those that are here stand "
                "under Past runs.",
                icon=":material/link_off:",
            )


def written(run: str = "", runs: str = "", board: str = "") -> None:
    """Let the address name what is shown, and that alone; each view of the page calls it with its own."""
    for name, shown in ((QueryKey.RUN, run), (QueryKey.RUNS, runs), (QueryKey.BOARD, board)):
        if shown:
            hold(_SEEN[name], shown, name)
        else:
            let_go(_SEEN[name], name)


def current_run() -> Run | None:
    """The run that the page shows; its id goes into the address."""
    run = find(st.session_state.get(Key.RUN))
    shown = run is not None and run.kind == KIND
    written(run=run.id if run is not None and shown else "")
    return run if shown else None


def open_run(run_id: str) -> None:
    """Show a run, its sets in the form: the page is drawn with it next."""
    state = st.session_state
    state[Key.RUN], state[Key.FORM], state[Key.VIEW] = run_id, False, ONE
    # What was chosen before belongs to another run; the form takes up what this one was asked with.
    for key in (Key.REAL, Key.SYNTHETIC):
        state.pop(key, None)


def open_runs(ids: Sequence[str]) -> None:
    """Put some runs beside each other: the page is drawn with them next."""
    state = st.session_state
    state[Key.PICKED], state[Key.VIEW] = list(dict.fromkeys(ids))[:MOST], SEVERAL
    state[GIVEN] = state.get(GIVEN, 0) + 1


def joined(ids: Sequence[str]) -> str:
    """Compared runs as the address holds them."""
    return ".".join(ids) or _NOTHING


def _to_run(asked: str) -> bool:
    run = find(asked)
    if run is not None and run.kind == KIND:
        open_run(run.id)
        st.session_state[_SEEN[QueryKey.RUN]] = asked
    return run is not None and run.kind in (KIND, *PRIVACY_KINDS)


def _to_runs(asked: str) -> bool:
    found = [run for one in asked.split(".")[:MOST] if (run := find(one)) is not None and run.kind == KIND]
    if not found and asked != _NOTHING:
        return False
    open_runs([run.id for run in found])
    st.session_state[_SEEN[QueryKey.RUNS]] = asked
    return True


def _to_board(asked: str) -> bool:
    benchmark, _, metric = asked.partition(".")
    if not any((one.benchmark, one.metric) == (benchmark, metric) for one in figures()):
        return False
    state = st.session_state
    state[f"{Key.BOARD}.benchmark"], state[f"{Key.BOARD}.metric.{benchmark}"] = benchmark, metric
    state[Key.VIEW], state[_SEEN[QueryKey.BOARD]] = OTHERS, asked
    return True
