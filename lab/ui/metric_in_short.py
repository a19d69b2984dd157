"""Several sets in short: for each question the headline of every set, its word, and whether they can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from lab.analysis.verdict import BETTER, HEADLINES, INSIDE, WORSE, judge, verdict
from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.metric_agreement import better, of_runs
from lab.ui.metric_runs import QUESTIONS, by_question, origin_of, specs

_APART = (
    "Better: its 95 % interval lies apart from that of every other set. Not told apart: intervals overlap, so the "
    "order may be chance; more samples make them narrower."
)
_WORD = "The headline number of a set, and how it compares with held-out real images put in the place of its samples."
_SHORT = {WORSE: "Worse than real", BETTER: "Better than real", INSIDE: "Like real"}


def in_short(runs: Sequence[Run], names: Sequence[str], results: Sequence[list[MetricResult]]) -> None:
    """One line a question that at least two sets answer; questions are never added up."""
    comparable = len({(run.spec.settings["real"], run.spec.settings["extractor"]) for run in runs}) == 1
    real = [origin_of(str(run.spec.settings["synthetic"])) != "synthetic" for run in runs]
    rows = short_rows(names, results, comparable, real)
    if not rows:
        return
    st.subheader("In short", anchor=False)
    columns = {name: st.column_config.TextColumn(help=_WORD) for name in names}
    columns["Told apart"] = st.column_config.TextColumn(help=_APART, width="medium")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="metrics.compare.short",
        height="content",
        column_config=columns,
    )


def short_rows(
    names: Sequence[str],
    results: Sequence[list[MetricResult]],
    comparable: bool = True,
    real: Sequence[bool] = (),
) -> list[dict[str, str]]:
    """The lines as words.

    Args:
        names: of the sets.
        results: of each set.
        comparable: whether all were measured against one real set by one extractor.
        real: which of the sets are real films in place of samples.
    """
    known = [{item.metric: item for item in one if item.value is not None} for one in results]
    # Real films would be better than every generator, and hide which of the generators is.
    samples = [at for at in range(len(names)) if at >= len(real) or not real[at]]
    made = [names[at] for at in samples], [known[at] for at in samples]
    rows = []
    for axis, listed in by_question(name for one in known for name in one).items():
        ordered = [*(name for name in HEADLINES.get(axis, ()) if name in listed), *listed]
        metric = max(dict.fromkeys(ordered), key=lambda name: sum(name in one for one in known))
        if sum(metric in one for one in known) < 2:
            continue
        spec = specs()[metric]
        row = {"Question": QUESTIONS[axis][0], "Told apart": _apart(metric, *made, comparable)}
        row |= {"Number": f"{spec.title} {spec.arrow[:1]}"}
        cells = [_cell(axis, metric, one) for one in known]
        films = [_of_films(cell) if at < len(real) and real[at] else cell for at, cell in enumerate(cells)]
        rows.append(row | dict(zip(names, films, strict=True)))
    return rows


def _cell(axis: str, metric: str, known: Mapping[str, MetricResult]) -> str:
    if metric not in known:
        return "–"
    item = known[metric]
    word, told = judge(specs()[metric], item)[0], ""
    if axis == "privacy":
        # Privacy has one answer from all its numbers, the same as on the page of one set.
        own, word = word, next(one.word for one in verdict(list(known.values()), specs()) if one.axis == axis)
        if word == WORSE != own:
            told = f": {_worse(axis, known)}"
    return f"{theme.number(item.value or 0.0)} · {_SHORT.get(word, word)}{told}"


def _worse(axis: str, known: Mapping[str, MetricResult]) -> str:
    """The first number of a question that is worse than real images."""
    listed = (one for name, one in known.items() if specs()[name].axis == axis)
    return next(
        (one.title for one in listed if judge(specs()[one.metric], one)[0] == WORSE), "another number"
    )


def _of_films(cell: str) -> str:
    """The words for real films in place of samples, which are never worse than real."""
    number, dot, word = cell.partition(" · ")
    return f"{number}{dot}Differs from training" if word.startswith((_SHORT[WORSE], _SHORT[BETTER])) else cell


def _apart(
    metric: str, names: Sequence[str], known: Sequence[Mapping[str, MetricResult]], comparable: bool
) -> str:
    """Which set is better than all others, in words."""
    items = [one.get(metric) for one in known]
    if not comparable or len({item.title for item in items if item is not None}) > 1:
        return "Not on one scale"
    sides = of_runs(items, names)
    if len(sides) < 2:
        return "–"
    for side in sides:
        others = [other for other in sides if other is not side]
        if all(better(specs()[metric], side, other) > 0 for other in others):
            return f"{side.name} is better"
    worst = [
        side.name
        for side in sides
        if all(better(specs()[metric], side, other) < 0 for other in sides if other is not side)
    ]
    return f"Only {worst[0]} is worse" if worst and len(sides) > 2 else "Not told apart"
