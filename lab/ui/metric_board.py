"""Own runs beside figures that others published: a metric at a time, theirs named, tagged and never mixed with ours."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.charts.published import Standing, standing_figure
from lab.charts.theme import number
from lab.metrics.result import MetricResult
from lab.report.published.tables import TAG, PublishedFigure, figures, reference
from lab.report.published.tables import left_out as not_drawn
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_address import written
from lab.ui.metric_board_own import Own, default_benchmark, left_out, measured, ranked
from lab.ui.metric_detail import SAVE
from lab.ui.metric_pasted import pasted
from lab.ui.metric_runs import ALL, origin_of, set_name, specs
from lab.ui.state import MetricsKey as Key

_EDITIONS = {"final": "Paper final", "early": "Paper early"}


def board() -> None:
    """The choice of a benchmark and a metric, the chart, and the sentences about what is missing from it."""
    found = specs()
    benchmarks = list(dict.fromkeys(one.benchmark for one in figures()))
    left, middle, right = st.columns([0.3, 0.4, 0.3], vertical_alignment="bottom")
    if st.session_state.get(f"{Key.BOARD}.benchmark") not in benchmarks:
        st.session_state[f"{Key.BOARD}.benchmark"] = default_benchmark(benchmarks)
    benchmark = str(
        left.selectbox("Benchmark", benchmarks, key=f"{Key.BOARD}.benchmark", persist_state="session")
    )
    mine = [one for one in figures() if one.benchmark == benchmark]
    names = [name for name in found if any(one.metric == name for one in mine)]
    if not names:
        st.caption("None of the published figures belongs to a metric of this program.")
        return
    if st.session_state.get(f"{Key.BOARD}.metric.{benchmark}") not in names:
        st.session_state[f"{Key.BOARD}.metric.{benchmark}"] = names[0]
    metric = str(
        middle.selectbox("Metric", names, format_func=lambda name: found[name].title,
                         key=f"{Key.BOARD}.metric.{benchmark}", persist_state="session")
    )  # fmt: skip
    written(board=f"{benchmark}.{metric}")
    of_metric = [one for one in mine if one.metric == metric]
    groups = [ALL, *sorted({one.group for one in of_metric} - {ALL})]
    group = ALL
    if len(groups) > 1:
        group = str(right.selectbox("Group", groups, format_func=lambda one: "All images" if one == ALL else one,
                                    key=f"{Key.BOARD}.group.{metric}"))  # fmt: skip
    edition = _edition(of_metric)
    theirs = [one for one in reference(metric, group, edition) if one.benchmark == benchmark]
    found_here = measured(metric, group)
    ours = ranked(found_here, benchmark, left_out(found_here, benchmark, metric))
    rows = [_their_row(one) for one in theirs] + [_our_row(one.run, one.result) for one in ours]
    st.plotly_chart(
        standing_figure(rows, found[metric]), key=f"metrics.board.{benchmark}.{metric}.{group}.{edition}", theme=None,
        config=SAVE, alt=f"{found[metric].title}: own runs beside published figures",
    )  # fmt: skip
    _cautions(metric, group, benchmark, theirs, ours)
    _sources(theirs)
    pasted()


def _edition(listed: list[PublishedFigure]) -> str:
    """Which version of a table that was published twice; "" where there is one."""
    offered = [name for name in _EDITIONS if any(one.edition == name for one in listed)]
    if not offered:
        return ""
    if len(offered) == 1:
        st.caption(f"This figure stands in one version only: {_EDITIONS[offered[0]].lower()}.")
        return offered[0]
    key = f"{Key.BOARD}.edition"
    if st.session_state.get(key) not in offered:
        st.session_state[key] = offered[0]
    return str(
        st.segmented_control(
            "Version",
            offered,
            format_func=_EDITIONS.__getitem__,
            key=key,
            required=True,
            label_visibility="collapsed",
            help="The authors published these figures twice, and the two versions differ.",
        )
    )


def _their_row(one: PublishedFigure) -> Standing:
    low, high = (None, None) if one.spread is None else (one.value - one.spread, one.value + one.spread)
    return Standing(one.model, one.value, low, high, own=False, hover=f"{TAG}: {one.column}, {one.source}")


def _our_row(run: Run, item: MetricResult) -> Standing:
    words = (
        f"run {run.id}, {item.n_synthetic} samples against {item.n_real} of {run.spec.settings['real']}, "
        f"{item.extractor}, {item.title}"
    )
    real = str(run.spec.settings["real"])
    instead = "" if origin_of(str(run.spec.settings["synthetic"])) == "synthetic" else "no samples, "
    under = f"{instead}against {real}, {item.extractor}"
    scale = f"{real}, {item.extractor}, {item.title}"
    return Standing(set_name(run), item.value or 0.0, item.low, item.high, True, words, under, scale)


def _cautions(
    metric: str,
    group: str,
    benchmark: str,
    theirs: list[PublishedFigure],
    ours: list[Own],
) -> None:
    """What keeps the two kinds of rows from being one list."""
    extractors = {one.extractor for one in theirs if one.extractor}
    other = {one.result.extractor for one in ours} - extractors
    if extractors and other:
        st.warning(
            f"The published figures were measured by {plain(', '.join(sorted(extractors)))} on other data, yours by "
            f"{plain(', '.join(sorted(other)))}: the scales differ, and only the same extractor on the same real set "
            "makes a place in this list mean something.",
            icon=":material/warning:",
        )
    elif ours:
        st.caption(f"The published rows are {TAG}: other data, other n. They are a reference, not a ranking.")
    else:
        st.caption("None of your runs has measured this yet; measure a set to see it here.")
    out = [one for one in not_drawn(metric) if one.benchmark == benchmark and one.group == group]
    for reason in dict.fromkeys(one.suspicious for one in out):
        models = list(dict.fromkeys(one.model for one in out if one.suspicious == reason))
        st.caption(plain(f"Left out: {', '.join(models)}, because {reason}."))


def _sources(theirs: list[PublishedFigure]) -> None:
    with st.expander("Where the published figures stand", icon=":material/menu_book:"):
        rows = [
            {
                "Model": one.model, "Tag": TAG, "Figure": number(one.value), "Column": one.column,
                "Extractor": one.extractor or "not said", "Source": one.source,
            }
            for one in theirs
        ]  # fmt: skip
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="metrics.board.sources")
