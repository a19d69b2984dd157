"""What stands behind each number: its definition, curves, tables and flagged pairs, one fold a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.details import bars_figure, curve_figure, histogram_figure, receiver_figure
from lab.charts.theme import number
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_flagged import flagged
from lab.ui.metric_limit import limit, limit_of
from lab.ui.metric_runs import specs
from lab.ui.metric_trace import trace
from lab.ui.metric_words import beside, explained, valued
from lab.ui.state import MetricsKey as Key

SAVE = {"toImageButtonOptions": {"format": "svg"}, "displaylogo": False, "modeBarButtons": [["toImage"]]}
"""The mode bar of charts that a person may want to keep: one button, the picture as SVG."""
_DRAWN = ("threshold", "curve", "histogram", "roc", "bars", "table", "flagged")
_UNSAID = ("rule", "per_prompt", "badges")
_LONGEST = 120


def details(run: Run, results: Sequence[MetricResult]) -> None:
    """One fold for each number that has something behind it, drawn when it is opened."""
    found = specs()
    if any(item.value is not None for item in results):
        st.markdown("**What stands behind each number**")
    for result in results:
        spec = found.get(result.metric)
        if spec is None or result.value is None:
            continue
        title = f"{plain(result.title)}  :gray[{plain(valued(result))}]"
        box = st.expander(
            title, key=f"{Key.OPEN}.{run.id}.{result.metric}", on_change="rerun", type="compact"
        )
        if not box.open:
            continue
        with box:
            words, button = st.columns([0.84, 0.16])
            words.markdown(explained(spec))
            with button:
                trace(run, result)
            if told := beside(spec, result):
                st.caption(plain(told[:1].upper() + told[1:]))
            badges(result)
            _published(result)
            draw(run, result)


def badges(result: MetricResult) -> None:
    """What a metric wants seen at once, such as a guard that was active."""
    for words in result.details.get("badges") or ():
        st.badge(plain(str(words)), icon=":material/warning:", color="orange")


def _published(result: MetricResult) -> None:
    if result.published is not None:
        st.markdown(
            f"By the definition **{number(result.value or 0.0)}**, by the published code "
            f"**{number(result.published)}**. {plain(result.published_note)}"
        )


def draw(run: Run, result: MetricResult) -> None:
    """Every shape that the details of a result hold."""
    told, name = dict(result.details), result.metric
    movable = limit_of(told)
    if movable is not None:
        told |= {"threshold": movable}
        told.pop("histogram", None)
    drawn = {
        shape: told[shape] for shape in _DRAWN if isinstance(told.get(shape), Mapping | list) and told[shape]
    }
    for shape, one in drawn.items():
        _shape(run, result, shape, one)
    rows = _scalars({key: value for key, value in told.items() if key not in drawn and key not in _UNSAID})
    if rows:
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, height="content", key=f"metrics.rest.{run.id}.{name}", width="content"
        )  # fmt: skip


def _scalars(told: Mapping[str, Any], before: str = "") -> list[dict[str, str]]:
    """Numbers and words among details, one level deep."""
    rows = []
    for key, value in told.items():
        words = f"{before}{_words(key) if not before else key.replace('_', ' ')}"
        if isinstance(value, Mapping) and not before:
            rows += _scalars(value, f"{words}: ")
        elif isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST):
            rows.append({"What": words, "Value": _cell(value)})
    return rows


def _shape(run: Run, result: MetricResult, shape: str, told: Any) -> None:
    key = f"metrics.detail.{run.id}.{result.metric}.{shape}"
    if shape == "flagged":
        flagged(run, result, told)
    elif shape == "threshold":
        limit(run, result, told)
    elif shape == "table":
        st.dataframe(
            pd.DataFrame(list(told)), hide_index=True, key=key, height="content" if len(told) < 12 else 400
        )
    elif isinstance(told, Mapping):
        log = shape == "roc" and st.toggle(
            "Logarithmic axes",
            key=f"{key}.log",
            help="Shows the low false-positive rates that matter for privacy.",
        )
        figure = {
            "curve": lambda: curve_figure(told, result.title),
            "histogram": lambda: histogram_figure(told),
            "bars": lambda: bars_figure(told),
            "roc": lambda: receiver_figure(told, log),
        }[shape]()
        st.plotly_chart(figure, key=key, theme=None, config=SAVE, alt=f"{_words(shape)} of {result.title}")


def _words(key: str) -> str:
    plain_words = key.replace("_", " ")
    return plain_words[:1].upper() + plain_words[1:]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(float(value)) if isinstance(value, int | float) else str(value)
