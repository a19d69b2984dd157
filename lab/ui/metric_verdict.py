"""The verdict of a set: one line a question, each with its headline number; never blended into one score."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lab.analysis.verdict import BETTER, HEADLINES, INSIDE, WORSE, judge
from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_runs import QUESTIONS, by_question, specs
from lab.ui.metric_trace import trace
from lab.ui.metric_words import beside, explained, interval
from lab.ui.state import MetricsKey as Key

_COLOURS = {INSIDE: "green", BETTER: "blue", WORSE: "orange"}
_HELP = (
    "The rule: the 95 % interval of the samples beside that of held-out images put in their place. Where they overlap "
    "the samples are like real images; else better or worse by the metric's direction. Questions are never added up."
)


def strip(run: Run, measured: Sequence[MetricResult], grey: bool = False) -> None:
    """A line for each question that has a number; `grey` where the numbers can no longer be trusted."""
    known = {item.metric: item for item in measured if item.value is not None}
    with st.container(border=True, gap="xsmall", key=f"{Key.OPEN}.verdict"):
        for axis, names in by_question(known).items():
            preferred = [name for name in HEADLINES.get(axis, ()) if name in known]
            _line(run, axis, known[(preferred or names)[0]], len(names), grey)
        absent = [QUESTIONS[axis][0].lower() for axis in QUESTIONS if axis not in by_question(known)]
        if absent:
            st.caption(f"Not measured: {', '.join(absent)}.")


def _line(run: Run, axis: str, item: MetricResult, of: int, grey: bool) -> None:
    spec = specs()[item.metric]
    word, sentence = judge(spec, item)
    title, asked = QUESTIONS[axis]
    question, value, words, button = st.columns([0.25, 0.24, 0.4, 0.11], vertical_alignment="center")
    question.markdown(f"**{title}**  \n:gray[:small[{plain(asked)}]]")
    number = f"**{theme.number(item.value or 0.0)}** {plain(interval(item.low, item.high))}"
    value.markdown(
        f"{f':gray[{number}]' if grey else number}  \n:gray[:small[{plain(item.title)} {spec.arrow[:1]}]]",
        help=explained(spec),
    )
    badge = "" if grey else f":{_COLOURS.get(word, 'gray')}-badge[{word}]"
    words.markdown(
        f"{badge}  \n:gray[:small[{plain(beside(spec, item))}]]", help=f"{plain(sentence)}\n\n{_HELP}"
    )
    with button:
        trace(run, item)
