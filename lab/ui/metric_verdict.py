"""The verdict of a set: one line a question, each with its headline number; never blended into one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lab.analysis.verdict import BETTER, HEADLINES, INSIDE, UNSEEN, WORSE, judge, judge_privacy
from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_runs import QUESTIONS, by_question, origin_of, specs
from lab.ui.metric_trace import trace
from lab.ui.metric_words import beside, explained, interval
from lab.ui.state import MetricsKey as Key

_COLOURS = {INSIDE: "green", BETTER: "blue", WORSE: "orange"}
_REAL = {WORSE: "Differs from training", BETTER: "Differs from training"}
_SPLITS = (
    "So the two splits differ, for example in how many images of each label they hold: a breakdown shows it."
)
_HELP = (
    "The rule: the 95 % interval of the samples beside that of held-out images put in their place. Where they overlap "
    "the samples are like real images; else better or worse by the metric's direction. Questions are never added up. "
    "Privacy is called good only where the near-copy share was measured and no privacy number is worse than that of "
    "real images."
)
NAMED = 4


def strip(run: Run, measured: Sequence[MetricResult], grey: bool = False) -> None:
    """A line for each question that has a number; `grey` where the numbers can no longer be trusted."""
    known = {item.metric: item for item in measured if item.value is not None}
    asked = by_question(item.metric for item in measured)
    with st.container(border=True, gap="xsmall", key=f"{Key.OPEN}.verdict"):
        for axis, names in by_question(known).items():
            preferred = [name for name in HEADLINES.get(axis, ()) if name in known]
            first = known[(preferred or names)[0]]
            answer = _answer(axis, first, known)
            _line(run, axis, first, grey, answer)
            if axis == "privacy" and not grey:
                _about_copies(first, known, answer)
        absent = [axis for axis in QUESTIONS if axis not in by_question(known)]
        refused = [QUESTIONS[axis][0].lower() for axis in absent if axis in asked]
        others = [QUESTIONS[axis][0].lower() for axis in absent if axis not in asked]
        told = (
            [f"Asked for, but not computable: {', '.join(refused)}; the notes below say why."]
            if refused
            else []
        )
        told += [f"Not measured: {', '.join(others)}."] if others else []
        if told:
            st.caption(" ".join(told))


def _answer(axis: str, first: MetricResult, known: Mapping[str, MetricResult]) -> tuple[str, str]:
    """The word on a question and its reason."""
    if axis == "privacy":
        return judge_privacy(known, specs(), first.metric)
    return judge(specs()[first.metric], first)


def _about_copies(first: MetricResult, known: Mapping[str, MetricResult], answer: tuple[str, str]) -> None:
    """What the headline of privacy does not say: other numbers that are worse, or that copies would not have shown."""
    if more := also("privacy", first, known):
        st.markdown(f":orange[:material/warning: {plain(more)}]")
    if answer[0] == UNSEEN:
        st.markdown(f":gray[:material/visibility_off: {plain(answer[1])}]")


def also(axis: str, first: MetricResult, known: Mapping[str, MetricResult]) -> str:
    """The other numbers of a question that are worse than real images too, headlines first; "" for none."""
    names = dict.fromkeys((*HEADLINES.get(axis, ()), *known))
    others = [known[name] for name in names if name in known and specs()[name].axis == axis]
    found = []
    for item in others:
        if item is not first and judge(specs()[item.metric], item)[0] == WORSE:
            control = "" if item.control is None else f" (held-out {theme.number(item.control)})"
            found.append(f"{item.title} {theme.number(item.value or 0.0)}{control}")
    if not found:
        return ""
    join = "Also" if judge(specs()[first.metric], first)[0] == WORSE else "But"
    rest = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{join} worse than real images: {', '.join(found[:NAMED])}{rest}."


def _line(run: Run, axis: str, item: MetricResult, grey: bool, answer: tuple[str, str]) -> None:
    """One question with its headline, and the word and reason that answer it."""
    spec = specs()[item.metric]
    word, sentence = answer
    if word in _REAL and origin_of(str(run.spec.settings["synthetic"])) != "synthetic":
        word, sentence = _REAL[word], f"These are no samples. {sentence} {_SPLITS}"
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
