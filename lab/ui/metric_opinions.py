"""Several extractors on the same sets: whether they agree on each metric, and the chart of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from lab.analysis.rank_agreement import by_extractor, rank_agreements
from lab.charts import theme
from lab.charts.intervals import Series, interval_figure
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.runs.requests import evaluate_run
from lab.ui.frame import plain
from lab.ui.metric_agreement import (
    AGREE,
    ALONE,
    DIFFER,
    HELP,
    OPEN,
    Agreement,
    Side,
    agreements,
    of_runs,
    summary,
)
from lab.ui.metric_agreement import with_control as sides_of
from lab.ui.metric_cost import past_paces
from lab.ui.metric_detail import SAVE
from lab.ui.metric_runs import results_of, side_word, specs
from lab.ui.metric_second import another, companions
from lab.ui.run_panel import stand_in, submit
from lab.ui.state import MetricsKey as Key

ALT = "Each metric with its interval, beside held-out films and the real-to-real floor"
Found = dict[str, list[Side]]


def charts(run: Run, others: Sequence[Run], names: Collection[str], key: str, grey: bool = False) -> None:
    """The chart of some metrics; with further extractors a chart each, row beside row, each on its own scales."""
    if not others or grey:
        draw([Series(side_word(run), _only(run, names))], f"metrics.chart.{run.id}.{key}", grey=grey)
        return
    shared = set.intersection(*({item.metric for item in _only(one, names)} for one in (run, *others)))
    columns = st.columns(min(3, 1 + len(others)), gap="medium") if shared else []
    for place, one in enumerate((run, *others) if shared else ()):
        with columns[place % len(columns)]:
            name = str(one.spec.settings["extractor"])
            st.markdown(f"**{plain(name)}**")
            kept = [item for item in _only(one, names) if item.metric in shared]
            draw([Series(side_word(run), kept)], f"metrics.chart.{run.id}.{key}.{name}", columns=1)
    alone = [item for item in _only(run, names) if item.metric not in shared]
    if any(item.value is not None for item in alone):
        if shared:
            st.caption("Measured once, because these do not depend on the extractor or were not repeated:")
        draw([Series(side_word(run), alone)], f"metrics.chart.alone.{run.id}.{key}")


def agreement(run: Run, others: Sequence[Run]) -> None:
    """What the extractors say together: one sentence, and metric by metric in a fold."""
    for other in others:
        pair = (str(run.spec.settings["extractor"]), str(other.spec.settings["extractor"]))
        found: list[Found] = [
            {item.metric: sides_of(item) for item in results_of(one)} for one in (run, other)
        ]
        _verdict(agreements(found[0], found[1], specs(), pair), pair, found, f"{run.id}.{pair[1]}")


def further(run: Run, working: Sequence[Run], done: bool) -> None:
    """Further extractors while they work, or the offer to ask one, with its cost."""
    for other in working:
        with st.container(border=True):
            st.markdown(f"**Further extractor: {plain(str(other.spec.settings['extractor']))}**")
            stand_in(other)
    if working or done:
        return
    offer = another(run, past_paces())
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
    cost.caption(plain(f"One extractor alone has measured this. {offer.cost}"))


def compared(runs: list[Run], names: list[str], metrics: Collection[str]) -> None:
    """Some runs in one chart; where a second extractor measured all of them, what both say of their order."""
    extractors = sorted({str(run.spec.settings["extractor"]) for run in runs})
    series = [Series(name, _only(run, metrics)) for name, run in zip(names, runs, strict=True)]
    if len(extractors) > 1:
        st.warning(
            f"These runs were measured by {plain(' and '.join(extractors))}; distances of different extractors have "
            "different scales; compare runs of one extractor."
        )
        draw(series, "metrics.chart.compare")
        return
    draw(series, "metrics.chart.compare")
    second = _second_of(runs)
    if second is None:
        st.caption(
            "The order of these sets was seen by one extractor alone; measure each with a second one too."
        )
        return
    pair = (extractors[0], str(second[0].spec.settings["extractor"]))
    found = [_sides([results_of(one) for one in listed], names) for listed in (runs, second)]
    _verdict(agreements(found[0], found[1], specs(), pair), pair, found, "compare")
    whole = {
        name: [*results_of(one), *results_of(two)] for name, one, two in zip(names, runs, second, strict=True)
    }
    st.caption(plain(rank_agreements(by_extractor(whole), specs())[-1].sentence))


def draw(series: list[Series], key: str, columns: int = 2, grey: bool = False) -> None:
    """One chart of intervals; its picture can be saved. `grey` where the numbers can no longer be trusted."""
    figure = interval_figure(series, specs(), columns)
    if grey:
        figure.update_traces(opacity=0.25)
    if columns == 1 and figure.layout.height:
        # Half the width stacks the legend line by line.
        lines = sum(bool(trace.showlegend) for trace in figure.data)
        figure.update_layout(height=figure.layout.height + 21 * lines - 24, margin={"t": 60 + 21 * lines})
    st.plotly_chart(figure, key=key, theme=None, config=SAVE, alt=ALT)


def _only(run: Run, names: Collection[str]) -> list[MetricResult]:
    return [item for item in results_of(run) if item.metric in names]


def _second_of(runs: list[Run]) -> list[Run] | None:
    """Runs of one further extractor for every run, None where there is none."""
    offered = [
        {str(one.spec.settings["extractor"]): one for one in companions(run) if one.state == "done"}
        for run in runs
    ]
    shared = set.intersection(*(set(one) for one in offered))
    name = min(shared, default=None)
    return None if name is None else [one[name] for one in offered]


def _ask(run: Run, name: str, metrics: Sequence[str]) -> None:
    asked = run.spec.settings
    options = {
        key: value for key, value in (asked.get("options") or {}).items() if key.partition(".")[0] in metrics
    }
    try:
        submit(
            evaluate_run(
                asked["real"], asked["synthetic"], metrics, name, asked["seed"], asked.get("copies", "refuse"),
                by=asked.get("by", ""), options=options,
            )
        )  # fmt: skip
    except LabError as error:
        st.session_state[Key.REFUSAL] = str(error)


def _verdict(found: list[Agreement], names: tuple[str, str], sides: list[Found], key: str) -> None:
    if not found:
        return
    counted = [one for one in found if one.word != OPEN]
    rank = (
        f" Rank agreement {sum(one.word == AGREE for one in counted)} of {len(counted)}." if counted else ""
    )
    st.markdown(
        f"**{plain(f'{names[0]} and {names[1]}.')}** {plain(summary(found))} {plain(rank)}", help=HELP
    )
    with st.expander("Metric by metric", icon=":material/groups:"):
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
            height="content" if len(rows) < 13 else 460,
            key=f"metrics.agreement.{key}",
            column_config={
                "Extractors": st.column_config.TextColumn(help=HELP, width="small"),
                "What they say": st.column_config.TextColumn(width="large"),
            },
        )
        for one in found:
            if one.word in (ALONE, DIFFER):
                st.markdown(f"- **{plain(specs()[one.metric].title)}**: {plain(one.sentence)}")


def _value(sides: Found, metric: str) -> str:
    """The first set's value with its interval."""
    found = sides[metric]
    if not found:
        return "–"
    one = found[0]
    interval = f" ({theme.number(one.low)} to {theme.number(one.high)})" if one.low < one.high else ""
    return f"{theme.number(one.value)}{interval}"


def _sides(listed: Sequence[Sequence[MetricResult]], names: list[str]) -> Found:
    found: Found = {}
    for metric in specs():
        results = [next((item for item in one if item.metric == metric), None) for one in listed]
        if any(results):
            found[metric] = of_runs(results, names)
    return found
