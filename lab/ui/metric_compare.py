"""Several runs beside each other: trade-offs between the questions, intervals, and how metrics move together."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import missing, plain
from lab.ui.metric_address import MOST, joined, open_runs, written
from lab.ui.metric_export import exports_of_sets
from lab.ui.metric_history import pick
from lab.ui.metric_in_short import in_short
from lab.ui.metric_opinions import compared
from lab.ui.metric_related import related
from lab.ui.metric_runs import QUESTIONS, by_question, listed, results_of, set_name, specs
from lab.ui.metric_trade import trade
from lab.ui.metric_variety import varieties
from lab.ui.metric_words import in_digits
from lab.ui.state import MetricsKey as Key

SIDE_BY_SIDE = 4
MANY = 12


def compare() -> None:
    """The whole room: the choice of runs, then everything that several of them show."""
    picked = pick()
    written(runs=joined([run.id for run in picked]))
    runs = [run for run in picked if run.state == "done" and results_of(run)]
    if not picked:
        _empty()
        return
    if len(picked) > len(runs):
        st.caption("Runs without a result are left out.")
    if len(runs) < 2:
        st.caption("Select at least two finished runs.")
        return
    names = [f"{number}. {set_name(run)}" for number, run in enumerate(runs, 1)]
    results = [results_of(run) for run in runs]
    _same_footing(runs)
    _same_measure(results)
    in_short(runs, names, results)
    st.subheader("Fidelity, variety and privacy together", anchor=False)
    trade(runs, names, results)
    st.subheader("Side by side", anchor=False)
    if len(runs) <= SIDE_BY_SIDE:
        compared(runs, names, _shown(results))
    else:
        st.caption(f"Charts side by side hold {SIDE_BY_SIDE} runs; the table holds all of them.")
    _table(names, results)
    exports_of_sets(runs, names)
    varieties(names, results)
    related(runs, names, results)


def _empty() -> None:
    """What to do while nothing is selected, and the comparison that lies nearest."""
    near = comparable()
    missing(
        "Nothing is selected.",
        "Tick two to eight finished runs in the table above."
        if listed(limit=1)
        else "Nothing was measured yet: launch a run under One set.",
    )
    if len(near) > 1:
        words = plain(f"Compare {len(near)} sets measured against {near[0].spec.settings['real']}")
        st.button(words, on_click=open_runs, args=([run.id for run in near],), icon=":material/compare:",
                  help="The newest run of each set with one real set, extractor and seed.")  # fmt: skip


def comparable() -> list[Run]:
    """The newest finished run of each set that shares real set, extractor and seed with others; at most eight.

    Of several such families the largest, of equal ones the one measured last; none where every run stands alone.
    """
    families: dict[tuple[object, ...], dict[str, Run]] = {}
    for run in listed(("done",)):
        asked = run.spec.settings
        footing = (asked["real"], run.spec.inputs.get("real"), asked["extractor"], asked["seed"])
        families.setdefault(footing, {}).setdefault(str(asked["synthetic"]), run)
    largest = max(families.values(), key=len, default={})
    return list(largest.values())[:MOST] if len(largest) > 1 else []


def _same_footing(runs: list[Run]) -> None:
    """Say where the runs differ in what makes numbers comparable."""
    for word, values in (
        ("real set", {str(run.spec.settings["real"]) for run in runs}),
        ("seed", {str(run.spec.settings["seed"]) for run in runs}),
        ("extractor", {str(run.spec.settings["extractor"]) for run in runs}),
    ):
        if len(values) > 1:
            st.warning(
                f"These runs differ in their {word} ({plain(', '.join(sorted(values)))}): read their order with care.",
                icon=":material/warning:",
            )


def _same_measure(results: list[list[MetricResult]]) -> None:
    """Say which numbers are not on one scale: other components of one distance, and sets of another size."""
    titles: dict[str, set[str]] = {}
    for item in (item for one in results for item in one if item.value is not None):
        titles.setdefault(item.metric, set()).add(item.title)
    told = [" and ".join(sorted(found)) for found in titles.values() if len(found) > 1]
    if told:
        st.warning(
            f"Not on one scale: {plain('; '.join(told))}. These sets were measured in different ways, as where one is "
            "too small for more components, so the values cannot be ranked.",
            icon=":material/warning:",
        )
    counts = sorted({one[0].n_synthetic for one in results})
    if counts[-1] > counts[0]:
        st.caption(
            f"These sets hold {counts[0]:,} to {counts[-1]:,} images, and most numbers but the kernel distance change "
            "with the size of a set."
        )


def _shown(results: list[list[MetricResult]]) -> set[str]:
    """The metrics of the chart: all of few, else one question at a time."""
    names = {item.metric for one in results for item in one if item.value is not None}
    if len(names) <= MANY:
        return names
    groups = by_question(names)
    state = st.session_state
    key = f"{Key.QUESTION}.compare"
    if state.get(key) not in groups:
        state[key] = next(iter(groups))
    axis = st.segmented_control(
        "Question", list(groups), format_func=lambda one: f"{QUESTIONS[one][0]} ({len(groups[one])})", key=key,
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    return set(groups[str(axis)])


def _table(names: list[str], results: list[list[MetricResult]]) -> None:
    tables = [
        pd.Series({item.metric: item.value for item in one}, name=name)
        for name, one in zip(names, results, strict=True)
    ]
    frame = pd.concat(tables, axis=1)
    found = specs()
    frame.insert(0, "Better", [found[name].arrow[:1] if name in found else "" for name in frame.index])
    frame.insert(0, "Metric", [found[name].title if name in found else name for name in frame.index])
    with st.expander(f"All {len(frame)} numbers of {len(names)} runs", icon=":material/table:"):
        st.dataframe(in_digits(frame, names), hide_index=True, key="metrics.compare.table", placeholder="–")
