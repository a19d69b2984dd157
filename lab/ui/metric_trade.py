"""The trade-off of several sets, two questions at a time or three: a click on a set opens its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.charts.tradeoff3d import SetPlace, tradeoff3d_figure
from lab.data.dataset import parse_reference
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_detail import SAVE
from lab.ui.metric_flagged import sample_of
from lab.ui.metric_runs import QUESTIONS, specs
from lab.ui.sets import open_set
from lab.ui.state import MetricsKey as Key
from lab.ui.viewer import viewer

PAGE = 15
_AXES = ("fidelity", "privacy", "diversity")
_PAIRS = {
    "Fidelity and privacy": ("fidelity", "privacy"),
    "Variety and privacy": ("diversity", "privacy"),
    "Fidelity and variety": ("fidelity", "diversity"),
    "All three": _AXES,
}


def trade(runs: Sequence[Run], names: list[str], results: list[list[MetricResult]]) -> None:
    """The chart of the chosen pair, and the samples of the set that was clicked."""
    chosen = {axis: listed for axis in _AXES if (listed := _measured(axis, results))}
    offered = [words for words, axes in _PAIRS.items() if set(axes) <= set(chosen)]
    if not offered:
        st.caption(
            "A trade-off needs a fidelity or variety number and a privacy number in at least two runs."
        )
        return
    if st.session_state.get(Key.TRADE) not in offered:
        st.session_state[Key.TRADE] = offered[0]
    words = st.segmented_control("Axes", offered, key=Key.TRADE, required=True, label_visibility="collapsed")
    axes = _PAIRS[str(words)]
    picked = tuple(_metric(axis, chosen[axis], column) for axis, column in
                   zip(axes, st.columns(len(axes)), strict=True))  # fmt: skip
    known = [{item.metric: item for item in one if item.value is not None} for one in results]
    if len({str(run.spec.settings["real"]) for run in runs}) > 1:
        # The held-out images of one real set are no control for samples of another.
        known = [{name: replace(item, control=None) for name, item in one.items()} for one in known]
    sets = [(at, tuple(one[spec.name] for spec in picked)) for at, one in enumerate(known)
            if all(spec.name in one for spec in picked)]  # fmt: skip
    if axes == ("fidelity", "diversity"):
        st.caption("Fidelity and variety say nothing of privacy: a set of copies has both.")
    at = _drawn(sets, names, picked)
    if at is not None:
        _samples(runs[at], names[at])
    else:
        st.caption("Click a mark to open the samples behind it.")


def _drawn(
    sets: list[tuple[int, tuple[MetricResult, ...]]], names: list[str], picked: tuple[MetricSpec, ...]
) -> int | None:
    """Draw the marks; the run that was clicked."""
    key = f"{Key.TRADE}.chart.{len(picked)}"
    if len(picked) == 3:
        places = [SetPlace(names[at], (one[0], one[1], one[2])) for at, one in sets]
        figure = tradeoff3d_figure(places, (picked[0], picked[1], picked[2]))
        st.plotly_chart(figure, key=key, theme=None, config=SAVE, alt="Three questions of each set")
        # Marks of a turning picture cannot be clicked: the sets stand below it by name.
        named = st.pills("Samples of", [names[at] for at, _ in sets], key=f"{key}.set")
        return names.index(str(named)) if named in names else None
    points = [SetPoint(names[at], one[0], one[1]) for at, one in sets]
    event = st.plotly_chart(
        tradeoff_figure(points, picked[0], picked[1]), key=key, theme=None, config=SAVE, on_select="rerun",
        selection_mode="points", alt=f"{picked[0].title} against {picked[1].title} of each set",
    )  # fmt: skip
    return _clicked(event, [at for at, _ in sets])


def _clicked(event: Any, order: list[int]) -> int | None:
    points = event.selection.points if hasattr(event, "selection") else []
    for point in points:
        data = point.get("customdata") or [-1]
        at = data[0] if isinstance(data, list | tuple) else data
        if isinstance(at, int | float) and 0 <= int(at) < len(order):
            return order[int(at)]
    return None


def _measured(axis: str, results: list[list[MetricResult]]) -> list[str]:
    """Metrics of a question that at least two runs have, headlines first; one best at a null line first for privacy."""
    found = []
    for name, spec in specs().items():
        have = sum(any(item.metric == name and item.value is not None for item in one) for one in results)
        if spec.axis == axis and have > 1:
            found.append(name)
    return sorted(found, key=lambda name: axis == "privacy" and specs()[name].direction != "null")


def _metric(axis: str, names: list[str], column: Any) -> MetricSpec:
    key = f"{Key.TRADE}.{axis}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    name = column.selectbox(QUESTIONS[axis][0], names, format_func=lambda one: specs()[one].title, key=key)
    return specs()[str(name)]


def _samples(run: Run, name: str) -> None:
    """The samples of a set, a page at a time."""
    reference = str(run.spec.settings["synthetic"])
    dataset = parse_reference(str(run.spec.settings["real"]))[0]
    try:
        ids = open_set(reference).ids()
    except LabError as error:
        st.caption(plain(str(error)))
        return
    st.markdown(f"**{plain(name)}**: {len(ids):,} images")
    pages = -(-len(ids) // PAGE)
    page = st.pagination(pages, key=f"{Key.GALLERY}.{run.id}.page") if pages > 1 else 1
    shown = ids[(page - 1) * PAGE : page * PAGE]
    with st.spinner("Reading films"):
        films = [sample_of(reference, one, dataset, f"image {one[:6]}", small=True) for one in shown]
    viewer(films, key=f"{Key.GALLERY}.{run.id}", columns=5)
