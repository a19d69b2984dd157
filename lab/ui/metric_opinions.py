"""Two extractors on the same sets: their charts side by side, and for each metric whether they agree."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.charts import theme
from lab.charts.intervals import Series, interval_figure
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.runs.requests import evaluate_run
from lab.ui.frame import plain
from lab.ui.metric_agreement import (
    ALONE,
    DIFFER,
    HELP,
    Agreement,
    Side,
    agreements,
    of_runs,
    summary,
    with_control,
)
from lab.ui.metric_form import specs
from lab.ui.metric_second import another, companion
from lab.ui.run_panel import stand_in, submit
from lab.ui.state import MetricsKey as Key

ALT = "Each metric with its interval, beside held-out films and the real-to-real floor"


def measured(run: Run) -> list[MetricResult]:
    """The results of a finished run."""
    return [MetricResult.from_json(item) for item in (run.result or {}).get("results", [])]


def two_opinions(run: Run) -> None:
    """The charts of a finished run, beside those of the other extractor where it measured the same sets."""
    other = companion(run)
    if other is None or other.state != "done":
        draw([Series("Samples", measured(run))], f"metrics.chart.{run.id}")
        _second(run, other)
        return
    names = _extractors(run, other)
    sides = [{item.metric: with_control(item) for item in measured(one)} for one in (run, other)]
    found = agreements(sides[0], sides[1], specs(), names)
    _verdicts(found, names, sides)
    _side_by_side([[Series("Samples", measured(run))], [Series("Samples", measured(other))]], names, run.id)
    shared = {item.metric for item in measured(run)} & {item.metric for item in measured(other)}
    alone = [item for item in measured(run) if item.metric not in shared]
    if any(item.value is not None for item in alone):
        st.caption(
            "Measured once, because no extractor is asked for them or the calibration is of the first:"
        )
        draw([Series("Samples", alone)], f"metrics.chart.alone.{run.id}")


def compared(runs: list[Run], names: list[str]) -> None:
    """Two to four runs in one chart; where a second extractor measured all of them, its chart beside it."""
    extractors = sorted({str(run.spec.settings["extractor"]) for run in runs})
    series = [Series(name, measured(run)) for name, run in zip(names, runs, strict=True)]
    if len(extractors) > 1:
        st.warning(
            f"These runs were measured by {plain(' and '.join(extractors))}; distances of different extractors have "
            "different scales; compare runs of one extractor."
        )
        draw(series, "metrics.chart.compare")
        return
    others = [companion(run) for run in runs]
    done = [other for other in others if other is not None and other.state == "done"]
    seconds = {str(other.spec.settings["extractor"]) for other in done}
    if len(done) < len(runs) or len(seconds) != 1:
        draw(series, "metrics.chart.compare")
        st.caption(
            "The order of these sets was seen by one extractor alone; measure each with a second one too."
        )
        return
    pair = (extractors[0], seconds.pop())
    second = [Series(name, measured(other)) for name, other in zip(names, done, strict=True)]
    sides = [_sides(one, names) for one in (series, second)]
    _verdicts(agreements(sides[0], sides[1], specs(), pair), pair, sides)
    _side_by_side([series, second], pair, "compare")


def draw(series: list[Series], key: str, columns: int = 2) -> None:
    """One chart of intervals."""
    figure = interval_figure(series, specs(), columns)
    if columns == 1 and figure.layout.height:
        # Half the width stacks the legend line by line.
        figure.update_layout(height=figure.layout.height + 60, margin={"t": 144})
    st.plotly_chart(
        figure,
        key=key,
        theme=None,
        config={"displayModeBar": False},
        alt=ALT,
    )


def _second(run: Run, other: Run | None) -> None:
    """The second extractor while it works, or the offer to ask one, with its cost."""
    if other is not None:
        with st.container(border=True):
            st.markdown(f"**Second extractor: {plain(str(other.spec.settings['extractor']))}**")
            stand_in(other)
        return
    offer = another(run)
    if not offer.name:
        return
    button, cost = st.columns([0.3, 0.7], vertical_alignment="center")
    button.button(
        f"Ask {offer.name} too",
        key=f"{Key.SECOND}.{run.id}",
        icon=":material/groups:",
        on_click=_ask,
        args=(run, offer.name, offer.metrics),
        width="stretch",
    )
    cost.caption(f"One extractor alone has measured this. {offer.cost}")


def _ask(run: Run, name: str, metrics: Sequence[str]) -> None:
    asked = run.spec.settings
    try:
        submit(
            evaluate_run(
                asked["real"], asked["synthetic"], metrics, name, asked["seed"], asked.get("copies", "refuse")
            )
        )
    except LabError as error:
        st.session_state[Key.REFUSAL] = str(error)


def _verdicts(found: list[Agreement], names: tuple[str, str], sides: list[dict[str, list[Side]]]) -> None:
    st.markdown(f"**{plain(summary(found))}**", help=HELP)
    rows = [
        {
            "Metric": specs()[one.metric].title,
            "Extractors": one.word,
            names[0]: _value(sides[0], one.metric),
            names[1]: _value(sides[1], one.metric),
            "What they say": one.sentence,
        }
        for one in found
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={
            "Extractors": st.column_config.TextColumn(help=HELP, width="small"),
            "What they say": st.column_config.TextColumn(width="large"),
        },
    )
    for one in found:
        if one.word in (ALONE, DIFFER):
            st.markdown(f"- **{plain(specs()[one.metric].title)}**: {plain(one.sentence)}")


def _value(sides: dict[str, list[Side]], metric: str) -> str:
    """The first set's value with its interval."""
    found = sides[metric]
    if not found:
        return "–"
    one = found[0]
    interval = f" ({theme.number(one.low)} to {theme.number(one.high)})" if one.low < one.high else ""
    return f"{theme.number(one.value)}{interval}"


def _side_by_side(pair: list[list[Series]], names: tuple[str, str], key: str) -> None:
    """The metrics both measured, row beside row; each extractor keeps its own scales."""
    shared = set.intersection(*({item.metric for item in one.results} for one in (pair[0][0], pair[1][0])))
    for column, series, name in zip(st.columns(2, gap="medium"), pair, names, strict=True):
        with column:
            st.markdown(f"**{plain(name)}**")
            kept = [
                Series(one.name, [item for item in one.results if item.metric in shared]) for one in series
            ]
            draw(kept, f"metrics.chart.{key}.{name}", columns=1)


def _sides(series: list[Series], names: list[str]) -> dict[str, list[Side]]:
    found: dict[str, list[Side]] = {}
    for metric in specs():
        results = [next((item for item in one.results if item.metric == metric), None) for one in series]
        if any(results):
            found[metric] = of_runs(results, names)
    return found


def _extractors(run: Run, other: Run) -> tuple[str, str]:
    return str(run.spec.settings["extractor"]), str(other.spec.settings["extractor"])
