"""Past metric runs: open one, or put several beside each other."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import streamlit as st

from lab.runs.records import Run
from lab.ui.metric_runs import listed, set_name, whole
from lab.ui.run_panel import duration, state_word
from lab.ui.state import MetricsKey as Key

PAST = 200
MOST = 8


def pick() -> list[Run]:
    """Draw the table of past runs; the runs selected in it, at most eight."""
    runs = listed(limit=PAST)
    if not runs:
        return []
    frame = pd.DataFrame([_row(run) for run in runs])
    event = st.dataframe(
        frame, hide_index=True, on_select="rerun", selection_mode="multi-row", key=Key.COMPARE, height="auto",
        column_config={"Breakdown": st.column_config.TextColumn(help="Column whose groups were measured too.")},
    )  # fmt: skip
    return [whole(runs[row]) for row in event.selection.rows if row < len(runs)][:MOST]


def past() -> None:
    """The table with what can be done with the selection, under the results of one run."""
    if not listed(limit=1):
        return
    st.subheader("Past runs", anchor=False)
    picked = pick()
    done = [run for run in picked if run.state == "done"]
    if len(picked) == 1:
        st.button("Open this run", on_click=show, args=(picked[0].id,), icon=":material/open_in_new:")
    elif len(done) > 1:
        st.button(f"Compare these {len(done)} runs", on_click=_compare, icon=":material/compare:")
    else:
        st.caption("Select one run to open it, or two to eight to compare them.")


def show(run_id: str) -> None:
    """Show a run: the page is drawn with it next."""
    st.session_state[Key.RUN] = run_id
    st.session_state[Key.FORM] = False


def _compare() -> None:
    st.session_state[Key.VIEW] = "Compare sets"


def _row(run: Run) -> dict[str, Any]:
    asked = run.spec.settings
    return {
        "Started": time.strftime("%d %b %H:%M", time.localtime(run.created)),
        "Synthetic": set_name(run),
        "Real": asked["real"],
        "Extractor": asked["extractor"],
        "Metrics": len(asked["metrics"]),
        "Breakdown": asked.get("by", "") or "–",
        "State": state_word(run),
        "Took": duration(run.duration_s) if run.duration_s else "–",
    }
