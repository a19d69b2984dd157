"""The same metric in every group of a breakdown, with n under each and small groups greyed."""

from __future__ import annotations

import streamlit as st

from lab.charts.groups import GroupResult, groups_figure
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_detail import SAVE
from lab.ui.metric_runs import ALL, results_of, side_word, specs
from lab.ui.state import MetricsKey as Key

SMALL = 50
SHOWN = 4


def groups(run: Run) -> None:
    """Small multiples of the chosen metrics; nothing where the run has no breakdown."""
    everything = results_of(run, None)
    titles = list(dict.fromkeys(item.group for item in everything))
    if len(titles) < 2:
        return
    found = specs()
    names = [
        name for name in found if any(item.metric == name and item.value is not None for item in everything)
    ]
    if not names:
        return
    st.subheader(f"By {plain(str(run.spec.settings.get('by', 'group')))}", anchor=False)
    left, right = st.columns([0.72, 0.28], vertical_alignment="bottom")
    key = f"{Key.GROUP}.{run.id}"
    if key not in st.session_state:
        st.session_state[key] = _first(names)
    picked = left.multiselect(
        "Metrics", names, format_func=lambda name: found[name].title, key=key, max_selections=SHOWN,
        placeholder="Choose up to four",
    )  # fmt: skip
    fewest = right.number_input(
        "Grey below n", 2, 10_000, SMALL, key=f"{Key.GROUP}.fewest", persist_state="session",
        help="Groups with fewer images on one side are drawn hollow and grey: their numbers say little.",
    )  # fmt: skip
    columns = st.columns(2 if len(picked) > 1 else 1, gap="medium")
    for place, name in enumerate(picked):
        rows = [GroupResult(title, item, small(item, int(fewest))) for title in titles
                for item in everything if item.group == title and item.metric == name]  # fmt: skip
        columns[place % len(columns)].plotly_chart(
            groups_figure(rows, found[name], side_word(run)), key=f"metrics.groups.{run.id}.{name}", theme=None,
            config=SAVE, alt=f"{found[name].title} in every group",
        )  # fmt: skip
    grey = sum(
        small(item, int(fewest)) for item in everything if item.metric == names[0] and item.group != ALL
    )
    if grey:
        st.caption(
            f"{grey} of {len(titles) - 1} groups have fewer than {fewest} images on one side and are greyed. Distances "
            "rise where a group is small, so they do not rank groups of different size."
        )


def small(result: MetricResult, fewest: int) -> bool:
    """Whether a group has fewer images than asked for on either side."""
    return min(result.n_real, result.n_synthetic) < fewest


def _first(names: list[str]) -> list[str]:
    """One fidelity and one privacy metric: neither is shown alone."""
    found = specs()
    chosen = []
    for axis in ("fidelity", "privacy"):
        chosen += [name for name in names if found[name].axis == axis][:1]
    return chosen or names[:2]
