"""Files of a finished run: the benchmarks' own tables as CSV, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from lab.report.exports import csv_of, csv_of_sets, file_name, json_of, kinds
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_runs import results_of
from lab.ui.state import MetricsKey as Key

_WORDS = {
    "all numbers": "All numbers",
    "chexgenbench-fidelity": "CheXGenBench, all films",
    "chexgenbench-conditional": "CheXGenBench, by finding",
    "chexgenbench-alignment": "CheXGenBench, alignment",
    "skingenbench": "SkinGenBench",
    "xing": "Xing et al.",
}


def exports(run: Run, others: Sequence[Run] = ()) -> None:
    """CSV in a chosen shape, and JSON; `others` are the same sets by further extractors, in the same tables."""
    results = [item for one in (run, *others) for item in results_of(one, None)]
    shapes = kinds(results)
    choice, csv, whole = st.columns([0.4, 0.3, 0.3], vertical_alignment="bottom")
    with choice:
        shape = _shape(shapes, f"{Key.EXPORT}.{run.id}")
    synthetic = str(run.spec.settings["synthetic"])
    model = "a folder" if "/" in synthetic or "\\" in synthetic else synthetic
    csv.download_button(
        "Download CSV", csv_of(shape, results, model).encode("utf-8-sig"), f"{run.id}-{file_name(shape)}", "text/csv",
        icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip
    if "provenance" in (run.result or {}):
        text = json.dumps(json_of(run.result or {}, run.id, run.created), indent=1)
        whole.download_button(
            "Download JSON", text, f"metrics-{run.id}.json", "application/json", icon=":material/download:",
            width="stretch", on_click="ignore",
            help=plain("All numbers with data ids and digests, n, seed, versions and protocol hash."),
        )  # fmt: skip


def exports_of_sets(runs: Sequence[Run], names: Sequence[str]) -> None:
    """One table of all compared sets as CSV, in a chosen shape: a benchmark's table from one's own runs."""
    sets = {name: results_of(run, None) for name, run in zip(names, runs, strict=True)}
    shapes = kinds([item for results in sets.values() for item in results])
    choice, csv = st.columns([0.4, 0.6], vertical_alignment="bottom")
    with choice:
        shape = _shape(shapes, f"{Key.EXPORT}.sets")
    csv.download_button(
        f"Download {len(sets)} sets as one table", csv_of_sets(shape, sets).encode("utf-8-sig"),
        f"{len(sets)}-sets-{file_name(shape)}", "text/csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _shape(shapes: list[str], key: str) -> str:
    if st.session_state.get(key) not in shapes:
        st.session_state[key] = shapes[0]
    return str(
        st.selectbox(
            "Table", shapes, format_func=lambda name: _WORDS.get(name, name), key=key,
            help="The columns and the file name that each benchmark's own scripts write. Where the published code "
            "differs from the definition, the benchmark's table holds the published number.",
        )
    )  # fmt: skip
