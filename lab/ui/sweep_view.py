"""A sweep on the screen: how far each group is, its numbers with intervals, the trade-off, its samples."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.charts.groups import GroupResult, groups_figure
from lab.charts.theme import number
from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.data.dataset import parse_reference
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.store import RunStore
from lab.runs.sweep_requests import Sweep, short_names
from lab.runs.sweeps import SweptGroup, get_sweep, launch, list_sweeps, measure_ready
from lab.ui.frame import plain, refuse
from lab.ui.metric_flagged import sample_of
from lab.ui.metric_runs import specs
from lab.ui.run_panel import start_worker
from lab.ui.sets import open_set
from lab.ui.state import GridKey as Key
from lab.ui.viewer import viewer

POLL_S = 3.0
SHOWN = 8
CONFIG = {"displayModeBar": False}


def past_sweeps() -> None:
    """A list of the sweeps of this workspace; choosing one shows it."""
    known = {one.id: one for one in list_sweeps()}
    if not known:
        return
    if st.session_state.get(Key.SWEEP) not in known:
        st.session_state[Key.SWEEP] = None
    st.selectbox(
        "Sweeps", list(known), key=Key.SWEEP, format_func=lambda id: _words(known[id]), label_visibility="collapsed",
        placeholder=f"Open one of {len(known)} earlier", index=None, persist_state="session",
    )  # fmt: skip


def sweep_view() -> None:
    """The sweep that was launched or chosen; its page asks the store every few seconds while groups are to come."""
    chosen = st.session_state.get(Key.SWEEP)
    asked = next((one for one in list_sweeps() if one.id == chosen), None)
    groups = None if asked is None else _groups(asked)
    if asked is None or groups is None:
        return
    if any(_is_going(group) for group in groups):
        _follow(asked.id)
        return
    _shown(asked, groups)


def _words(asked: Sweep) -> str:
    names = ", ".join(dict.fromkeys(setting.generator for setting in asked.settings))
    return f"{names}: {len(asked.settings)} settings, {asked.samples * len(asked.prompts)} samples each"


def _groups(asked: Sweep) -> list[SweptGroup] | None:
    try:
        return measure_ready(asked, RunStore.open())
    except LabError as error:
        refuse(error)
        return None


@st.fragment(run_every=POLL_S)
def _follow(sweep_id: str) -> None:
    asked = get_sweep(sweep_id)
    groups = _groups(asked)
    if groups is None:
        return
    if not any(_is_going(group) for group in groups):
        st.rerun()
    try:
        start_worker()
    except LabError as error:
        refuse(error)
    runs = [run for group in groups for run in (*group.generations, group.evaluation)]
    done = sum(run is not None and run.state == "done" for run in runs)
    now = next((run for run in runs if run is not None and run.state == "running"), None)
    stage = f" · {plain(now.progress.stage.lower())}" if now and now.progress else ""
    st.progress(done / max(1, len(runs)), text=f"{done} of {len(runs)} runs done{stage}")
    _table(asked, groups)
    st.caption("A group is measured as soon as its samples are there, whether this page is open or not.")


def _is_going(group: SweptGroup) -> bool:
    runs = [run for run in (*group.generations, group.evaluation) if run is not None]
    return any(run.state in ("queued", "running") for run in runs)


def _state(group: SweptGroup) -> str:
    runs = [run for run in (*group.generations, group.evaluation) if run is not None]
    bad = next((run.state for run in runs if run.state in ("failed", "cancelled", "interrupted")), None)
    if bad:
        return bad
    if group.results:
        return "measured"
    waiting = sum(run is None or run.state != "done" for run in group.generations)
    return f"{waiting} of {len(group.generations)} runs to come" if waiting else "being measured"


def _table(asked: Sweep, groups: list[SweptGroup]) -> None:
    measured = [specs()[name] for name in asked.metrics if name in specs()]
    rows = []
    for name, group in zip(short_names([one.setting for one in groups]), groups, strict=True):
        known = {item.metric: item for item in group.results if item.group == "all"}
        rows.append(
            {
                "Setting": name,
                "State": _state(group),
                **{spec.title: _told(known.get(spec.name)) for spec in measured},
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")


def _told(result: MetricResult | None) -> str:
    """A value with its interval, a dash for none."""
    if result is None or result.value is None:
        return "–"
    if result.low is None or result.high is None:
        return number(result.value)
    return f"{number(result.value)} ({number(result.low)} to {number(result.high)})"


def _shown(asked: Sweep, groups: list[SweptGroup]) -> None:
    known = [
        (group, {item.metric: item for item in group.results if item.group == "all"}) for group in groups
    ]
    names = short_names([group.setting for group in groups])
    measured = [
        name
        for name in asked.metrics
        if name in specs() and any(_value(results, name) is not None for _, results in known)
    ]
    for error in dict.fromkeys(_errors(groups)):
        st.warning(plain(error))
    if any(not group.results for group in groups):
        st.button(
            "Go on with this sweep", on_click=_go_on, args=(asked,), icon=":material/resume:",
            help="Queues what is missing: runs that failed or were stopped, and those of an earlier version of the "
            "program.",
        )  # fmt: skip
    if measured:
        left, right = st.columns(2, gap="medium")
        with left:
            _intervals(names, [results for _, results in known], measured)
        with right:
            _trade(names, [results for _, results in known], measured)
    _table(asked, groups)
    _samples(asked, groups, names)


def _go_on(asked: Sweep) -> None:
    try:
        launch(asked, RunStore.open())
        start_worker()
    except LabError as error:
        st.toast(plain(str(error)))


def _errors(groups: list[SweptGroup]) -> list[str]:
    runs = [run for group in groups for run in (*group.generations, group.evaluation) if run is not None]
    return [run.error for run in runs if run.error]


def _value(results: dict[str, MetricResult], name: str) -> float | None:
    return results[name].value if name in results else None


def _intervals(names: list[str], results: list[dict[str, MetricResult]], measured: list[str]) -> None:
    if st.session_state.get(Key.SWEEP_VIEW) not in measured:
        st.session_state[Key.SWEEP_VIEW] = measured[0]
    chosen = str(
        st.selectbox("Number", measured, key=Key.SWEEP_VIEW, format_func=lambda one: specs()[one].title)
    )
    shown = [
        GroupResult(f"setting: {name}", known[chosen])
        for name, known in zip(names, results, strict=True)
        if chosen in known
    ]
    st.plotly_chart(
        groups_figure(shown, specs()[chosen]), key=f"{Key.SWEEP_VIEW}.chart", theme=None, config=CONFIG,
        alt=f"{specs()[chosen].title} of each setting with its interval",
    )  # fmt: skip


def _trade(names: list[str], results: list[dict[str, MetricResult]], measured: list[str]) -> None:
    fidelity = [one for one in measured if specs()[one].axis in ("fidelity", "diversity", "alignment")]
    privacy = [one for one in measured if specs()[one].axis == "privacy"]
    if not fidelity or not privacy:
        st.caption("The trade-off needs one number of fidelity, variety or alignment and one of privacy.")
        return
    for key, offered in ((Key.SWEEP_ACROSS, fidelity), (Key.SWEEP_UP, privacy)):
        if st.session_state.get(key) not in offered:
            st.session_state[key] = offered[0]
    left, right = st.columns(2)
    title = lambda one: specs()[one].title  # noqa: E731
    across = str(left.selectbox("Across", fidelity, key=Key.SWEEP_ACROSS, format_func=title))
    up = str(right.selectbox("Up", privacy, key=Key.SWEEP_UP, format_func=title))
    points = [
        SetPoint(name, known[across], known[up])
        for name, known in zip(names, results, strict=True)
        if across in known and up in known
    ]
    figure = tradeoff_figure(points, specs()[across], specs()[up])
    if span := _span([one.fidelity for one in points]):
        figure.update_xaxes(range=span)
    st.plotly_chart(
        figure, key=f"{Key.SWEEP_UP}.chart", theme=None, config=CONFIG,
        alt=f"{specs()[across].title} against {specs()[up].title} of each setting",
    )  # fmt: skip


def _span(results: list[MetricResult]) -> tuple[float, float] | None:
    """All marks and whiskers with room on both sides for the names of settings."""
    drawn = [end for one in results for end in (one.value, one.low, one.high, one.control) if end is not None]
    if not drawn or max(drawn) == min(drawn):
        return None
    room = 0.55 * (max(drawn) - min(drawn))
    return min(drawn) - room, max(drawn) + room


def _samples(asked: Sweep, groups: list[SweptGroup], names: list[str]) -> None:
    there = [at for at, group in enumerate(groups) if group.samples]
    if not there:
        return
    key = f"{Key.SWEEP}.samples"
    if st.session_state.get(key) not in there:
        st.session_state[key] = there[0]
    at = st.pills("Samples of", there, key=key, format_func=lambda one: names[one], required=True)
    reference = groups[int(at if at is not None else there[0])].samples
    dataset = parse_reference(asked.real)[0]
    try:
        ids = open_set(reference).ids()[:SHOWN]
        films = [sample_of(reference, one, dataset, f"image {one[:6]}", small=True) for one in ids]
    except LabError as error:
        st.caption(plain(str(error)))
        return
    viewer(films, key=f"{key}.viewer", columns=SHOWN)
