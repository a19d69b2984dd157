"""Reading a metric run: charts with intervals, the table, the export, and past runs beside each other."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.frame import plain
from lab.ui.metric_form import QUESTIONS, explained, specs
from lab.ui.metric_opinions import compared, measured, two_opinions
from lab.ui.reviews import as_csv
from lab.ui.run_panel import duration, state_word
from lab.ui.sets import prompts_by_set
from lab.ui.state import MetricsKey as Key

COLUMNS = {
    "title": "Metric",
    "value": "Value",
    "low": "Low",
    "high": "High",
    "control": "Held-out control",
    "floor": "Real-to-real floor",
    "n_real": "n real",
    "n_synthetic": "n synthetic",
    "n_held_out": "n held-out",
    "dimension": "d",
}


def results(run: Run) -> None:
    """The finished run, question by question."""
    listed: list[dict[str, Any]] = (run.result or {}).get("results", [])
    if not listed:
        st.warning("This run holds no number; choose other metrics and launch again.")
        return
    asked = run.spec.settings
    st.subheader(plain(f"{_set_name(run)} against {asked['real']}"), anchor=False)
    st.caption(f"{asked['extractor']}, seed {asked['seed']}, took {duration(run.duration_s or 0)}.")
    for sentence in (run.result or {}).get("warnings", []):
        st.warning(plain(sentence), icon=":material/warning:")
    two_opinions(run)
    _notes(listed)
    _table(listed)
    left, right = st.columns(2)
    rows = [{**item, "run": run.id} for item in listed]
    left.download_button(
        "Download CSV", as_csv(rows), f"metrics-{run.id}.csv", "text/csv", icon=":material/download:"
    )
    text = json.dumps(
        {"run": run.id, "settings": asked, "inputs": run.spec.inputs, "results": listed}, indent=1
    )
    right.download_button(
        "Download JSON", text, f"metrics-{run.id}.json", "application/json", icon=":material/download:"
    )


def _notes(listed: list[dict[str, Any]]) -> None:
    noted = [item for item in listed if item.get("note")]
    if noted:
        with st.expander(
            f"Notes on {len(noted)} numbers", expanded=any(item["value"] is None for item in noted)
        ):
            for item in noted:
                st.markdown(f"**{plain(item['title'])}.** {plain(item['note'])}")


def _table(listed: list[dict[str, Any]]) -> None:
    known = specs()
    frame = pd.DataFrame(listed)
    shown = frame[[name for name in COLUMNS if name in frame]].rename(columns=COLUMNS)
    arrows = [known[name].arrow.split(" ")[0] if name in known else "" for name in frame["metric"]]
    shown.insert(1, "Better", arrows)
    numbers = {name: st.column_config.NumberColumn(format="%.4f") for name in ("Value", "Low", "High")}
    numbers |= {
        "Held-out control": st.column_config.NumberColumn(
            format="%.4f",
            help="The same statistic for real films that no generator saw, in place of the samples.",
        ),
        "Real-to-real floor": st.column_config.NumberColumn(
            format="%.4f",
            help="What real films score against real ones at this size; of captions, what wrong captions score.",
        ),
        "d": st.column_config.NumberColumn(help="Length of the feature vectors the number was computed on."),
        "Better": st.column_config.TextColumn(help="↓ lower, ↑ higher, → best at the null line."),
    }
    st.dataframe(shown, hide_index=True, column_config=numbers)
    with st.expander("What these metrics mean"):
        for name in frame["metric"]:
            if name in known:
                st.markdown(f"**{plain(known[name].title)}** ({QUESTIONS[known[name].axis][0].lower()})")
                st.markdown(explained(known[name]))


def history() -> None:
    """Past metric runs: open one, or put up to four beside each other."""
    runs = RunStore.open().list(kinds=("evaluate",), limit=200)
    if not runs:
        return
    st.subheader("Past runs", anchor=False)
    frame = pd.DataFrame([_row(run) for run in runs])
    event = st.dataframe(
        frame, hide_index=True, on_select="rerun", selection_mode="multi-row", key=Key.COMPARE, height="auto"
    )
    rows = [row for row in event.selection.rows if row < len(runs)]
    picked = [runs[row] for row in rows if runs[row].state == "done"]
    if len(picked) == 1:
        st.button("Open this run", on_click=_open, args=(picked[0].id,), icon=":material/open_in_new:")
    elif picked:
        _compare(picked[:4])
    else:
        st.caption("Select one run to open it, or two to four to compare them.")


def _open(run_id: str) -> None:
    st.session_state[Key.RUN] = run_id


def _row(run: Run) -> dict[str, Any]:
    asked = run.spec.settings
    return {
        "Started": time.strftime("%d %b %H:%M", time.localtime(run.created)),
        "Synthetic": _set_name(run),
        "Real": asked["real"],
        "Extractor": asked["extractor"],
        "Metrics": len(asked["metrics"]),
        "State": state_word(run),
        "Took": duration(run.duration_s) if run.duration_s else "–",
    }


def _set_name(run: Run) -> str:
    """Short words for the synthetic side of a run."""
    name = str(run.spec.settings["synthetic"]).rsplit("/", 1)[-1]
    prompt = prompts_by_set().get(name)
    return name if prompt is None else prompt[:40].rstrip(". ")


def _compare(runs: list[Run]) -> None:
    """Two to four runs in one chart, in one table, and as fidelity against privacy."""
    names = [f"{number}. {_set_name(run)}" for number, run in enumerate(runs, 1)]
    results = [measured(run) for run in runs]
    compared(runs, names)
    _trade(names, results)
    tables = [
        pd.Series({item.title: item.value for item in one}, name=name)
        for name, one in zip(names, results, strict=True)
    ]
    st.dataframe(pd.concat(tables, axis=1).rename_axis("Metric").reset_index(), hide_index=True)


def _trade(names: list[str], results: list[list[MetricResult]]) -> None:
    known = specs()
    fidelity = next((name for name, spec in known.items() if spec.axis == "fidelity"), None)
    privacy = next(
        (name for name, spec in known.items() if spec.axis == "privacy" and spec.direction == "null"), None
    )
    if fidelity is None or privacy is None:
        return
    sets = []
    for name, one in zip(names, results, strict=True):
        found = {item.metric: item for item in one}
        if fidelity in found and privacy in found:
            sets.append(SetPoint(name, found[fidelity], found[privacy]))
    if len(sets) > 1:
        figure = tradeoff_figure(sets, known[fidelity], known[privacy])
        st.plotly_chart(
            figure,
            key="metrics.chart.trade",
            theme=None,
            config={"displayModeBar": False},
            alt="Fidelity against privacy of the runs",
        )
