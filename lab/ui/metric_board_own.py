"""Own numbers for a benchmark: those of its kind of image are ranked, the others counted, and where they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lab.data.dataset import parse_reference
from lab.metrics.result import MetricResult
from lab.report.published.tables import benchmark_of, figures, images_of
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_address import open_runs
from lab.ui.metric_runs import done_results, listed
from lab.ui.sets import card_of
from lab.ui.state import MetricsKey as Key

PAST = 100
UNSTATED = ("", "unknown")
GONE = "datasets that are no longer here"


@dataclass(frozen=True)
class Own:
    """One number of one's own, and the modality of the real set it was measured against."""

    run: Run
    result: MetricResult
    modality: str


def measured(metric: str, group: str) -> list[Own]:
    """The newest own numbers of a metric, one a set, real set and extractor."""
    found: dict[tuple[str, str, str], Own] = {}
    for run in listed(("done",), PAST):
        asked = run.spec.settings
        for item in done_results(run.id):
            if item.metric == metric and item.group == group and item.value is not None:
                key = (str(asked["synthetic"]), str(asked["real"]), item.extractor)
                found.setdefault(key, Own(run, item, modality_of(str(asked["real"]))))
    return list(found.values())


def modality_of(real: str) -> str:
    """What a real set shows, as its card says; words where the dataset was removed."""
    card = card_of(parse_reference(real)[0])
    return GONE if card is None else card.modality


def ranked(found: Sequence[Own], benchmark: str, unstated: bool) -> list[Own]:
    """Those that belong on a benchmark's board.

    Args:
        unstated: whether sets of which nobody said what they show are taken too.
    """
    return [
        one
        for one in found
        if benchmark_of(one.modality) == benchmark or (unstated and one.modality in UNSTATED)
    ]


def default_benchmark(names: Sequence[str]) -> str:
    """The benchmark of the newest run that has one."""
    for run in listed(("done",), PAST):
        if (found := benchmark_of(modality_of(str(run.spec.settings["real"])))) in names:
            return found
    return names[0]


def left_out(found: Sequence[Own], benchmark: str, metric: str) -> bool:
    """Say which own numbers are not on this board and where they are shown; whether unstated sets are taken in."""
    others = [one for one in found if benchmark_of(one.modality) != benchmark]
    unstated = [one for one in others if one.modality in UNSTATED]
    elsewhere = [one for one in others if one.modality not in UNSTATED]
    if elsewhere:
        words, button = st.columns([0.74, 0.26], vertical_alignment="center")
        words.caption(f":material/filter_alt: {plain(sentence(elsewhere, benchmark, metric))}")
        with button:
            _way(elsewhere, metric)
    if not unstated:
        return False
    count = "One of your numbers is" if len(unstated) == 1 else f"{len(unstated)} of your numbers are"
    return st.toggle(
        f"{count} of a dataset that does not say what its images show. Rank them here too",
        key=f"{Key.BOARD}.unstated",
        help=f"Only right where these images are {images_of(benchmark)}. A dataset's modality is told at its import.",
    )


def sentence(elsewhere: Sequence[Own], benchmark: str, metric: str) -> str:
    """How many numbers are not ranked, of which modality, and where each is shown."""
    parts = []
    for modality, count in Counter(one.modality for one in elsewhere).most_common():
        board = benchmark_of(modality)
        where = (
            f"shown on the {board} board"
            if board and metric in _metrics(board)
            else "shown under Compare sets"
        )
        parts.append(f"{count} of {modality}, {where}")
    told = "One of your numbers is" if len(elsewhere) == 1 else f"{len(elsewhere)} of your numbers are"
    return f"{told} not ranked here, because {benchmark} holds {images_of(benchmark)}: {'; '.join(parts)}."


def _way(elsewhere: Sequence[Own], metric: str) -> None:
    """A button to where most of them are shown."""
    boards = Counter(benchmark_of(one.modality) for one in elsewhere)
    board = boards.most_common(1)[0][0]
    if board and metric in _metrics(board):
        st.button(f"Show {board}", on_click=_turn_to, args=(board, metric), icon=":material/leaderboard:",
                  key=f"{Key.BOARD}.other")  # fmt: skip
    else:
        st.button("Compare sets", on_click=open_runs, args=([one.run.id for one in elsewhere],),
                  icon=":material/compare:", key=f"{Key.BOARD}.other")  # fmt: skip


def _metrics(benchmark: str) -> set[str]:
    return {one.metric for one in figures() if one.benchmark == benchmark}


def _turn_to(benchmark: str, metric: str) -> None:
    st.session_state[f"{Key.BOARD}.benchmark"] = benchmark
    st.session_state[f"{Key.BOARD}.metric.{benchmark}"] = metric
