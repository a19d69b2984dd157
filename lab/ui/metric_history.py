"""Past metric runs: open one, or put several beside each other."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import streamlit as st

from lab.runs.records import Run
from lab.ui.metric_address import GIVEN, MOST, open_run, open_runs
from lab.ui.metric_runs import listed, set_name, whole
from lab.ui.run_panel import duration, state_word
from lab.ui.state import MetricsKey as Key

PAST = 200


def pick() -> list[Run]:
    """Draw the table of past runs; the runs selected in it, at most eight.

    What is selected is kept by the ids of the runs: a run that joins the table moves the rows of all others.
    """
    runs = listed(limit=PAST)
    if not runs:
        return []
    state, places = st.session_state, {run.id: row for row, run in enumerate(runs)}
    kept = [places[one] for one in state.get(Key.PICKED) or () if one in places]
    event = st.dataframe(
        pd.DataFrame([_row(run) for run in runs]), hide_index=True, on_select="rerun", selection_mode="multi-row",
        selection_default={"selection": {"rows": kept}}, height="auto",
        # Another table where rows moved or others were picked by a link: its first selection is what was kept.
        key=f"{Key.COMPARE}.{runs[0].id}.{len(runs)}.{state.get(GIVEN, 0)}",
        column_config={"Breakdown": st.column_config.TextColumn(help="Column whose groups were measured too.")},
    )  # fmt: skip
    picked = [runs[row].id for row in event.selection.rows if row < len(runs)]
    if len(picked) > MOST:
        st.caption(f"The first {MOST} of {len(picked)} selected runs are taken.")
    state[Key.PICKED] = picked[:MOST]
    return [whole(runs[places[one]]) for one in state[Key.PICKED]]


def past() -> None:
    """The table with what can be done with the selection, under the results of one run."""
    if not listed(limit=1):
        return
    st.subheader("Past runs", anchor=False)
    picked = pick()
    done = [run for run in picked if run.state == "done"]
    if len(picked) == 1:
        st.button("Open this run", on_click=open_run, args=(picked[0].id,), icon=":material/open_in_new:")
    elif len(done) > 1:
        ids = [run.id for run in done]
        st.button(
            f"Compare these {len(done)} runs", on_click=open_runs, args=(ids,), icon=":material/compare:"
        )
    else:
        st.caption("Select one run to open it, or two to eight to compare them.")


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
