"""Whether two extractors say the same: for each metric, in which order they put the compared sets.

Values of two extractors cannot be compared where their scale depends on the space (distances); the order of the
sets can, and so can what an interval leaves open. Pure: nothing here draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

AGREE, ALONE, DIFFER, OPEN = "Agree", "One alone", "Differ", "Not told"
HELP = (
    "Agree: both put the compared sets in the same order, or neither tells them apart. One alone: only one of them "
    "tells the sets apart (their 95 % intervals do not overlap). Differ: they put the sets in opposite orders. "
    "Distances of two extractors have different scales, so their values are not compared."
)


@dataclass(frozen=True)
class Side:
    """One set under one metric: its words, its value and the ends of its interval (equal to it without one)."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """What two extractors say of one metric.

    Attributes:
        metric: its name.
        word: `AGREE`, `ALONE`, `DIFFER` or `OPEN`.
        sentence: what both say.
    """

    metric: str
    word: str
    sentence: str


def with_control(result: MetricResult, name: str = "the samples") -> list[Side]:
    """The samples and the held-out control of one result; fewer where a value is missing."""
    sides = [_side(name, result.value, result.low, result.high)]
    sides.append(_side("held-out images", result.control, result.control_low, result.control_high))
    return [side for side in sides if side is not None]


def of_runs(results: Sequence[MetricResult | None], names: Sequence[str]) -> list[Side]:
    """The same metric of several runs."""
    found = [
        _side(name, item.value, item.low, item.high) if item else None
        for name, item in zip(names, results, strict=True)
    ]
    return [side for side in found if side is not None]


def agreements(
    first: Mapping[str, list[Side]],
    second: Mapping[str, list[Side]],
    specs: Mapping[str, MetricSpec],
    extractors: tuple[str, str],
) -> list[Agreement]:
    """One line a metric that both extractors measured, in the order of `specs`.

    Args:
        first, second: sides by metric, of each extractor.
        extractors: their names.
    """
    return [
        agreement(specs[name], first[name], second[name], extractors)
        for name in specs
        if name in first and name in second
    ]


def agreement(
    spec: MetricSpec, first: Sequence[Side], second: Sequence[Side], extractors: tuple[str, str]
) -> Agreement:
    """What both say of the order of the compared sets."""
    other = {side.name: side for side in second}
    shared = [side for side in first if side.name in other]
    if len(shared) < 2:
        return Agreement(spec.name, OPEN, "There is nothing to compare the value with.")
    words: list[str] = []
    told: list[tuple[str, str]] = []
    for one, two in combinations(shared, 2):
        pair = _of_pair(spec, (one, two), (other[one.name], other[two.name]), extractors)
        told.append(pair)
        words.append(pair[0])
    word = next(word for word in (DIFFER, ALONE, AGREE) if word in words)
    sentences = [sentence for found, sentence in told if found == word]
    shown = " ".join(sentences[:3]) + (f" And {len(sentences) - 3} more pairs." if len(sentences) > 3 else "")
    return Agreement(spec.name, word, shown + _overlap(spec, shared, other))


def summary(found: Sequence[Agreement]) -> str:
    """How many metrics both extractors agree on, in one sentence."""
    counted = [one for one in found if one.word != OPEN]
    agreed = sum(one.word == AGREE for one in counted)
    if not counted:
        return "No metric was measured by both extractors beside something to compare it with."
    if agreed == len(counted):
        return f"Both extractors agree on all {agreed} metrics." if agreed > 1 else "Both extractors agree."
    opposite = sum(one.word == DIFFER for one in counted)
    end = f"; on {opposite} they say the opposite" if opposite else "; on none do they say the opposite"
    return f"Both extractors agree on {agreed} of {len(counted)} metrics{end}."


def better(spec: MetricSpec, one: Side, two: Side) -> int:
    """1 when `one` is better than `two`, -1 when worse, 0 when their intervals overlap."""
    first, second = _goal(spec, one), _goal(spec, two)
    if first[0] <= second[1] and second[0] <= first[1]:
        return 0
    return 1 if first[0] > second[1] else -1


def _goal(spec: MetricSpec, side: Side) -> tuple[float, float]:
    """The ends of an interval on a scale where more is better."""
    if spec.direction == "higher":
        return side.low, side.high
    if spec.direction == "lower" or spec.null_line is None:
        return -side.high, -side.low
    ends = sorted((abs(side.low - spec.null_line), abs(side.high - spec.null_line)))
    nearest = 0.0 if side.low <= spec.null_line <= side.high else ends[0]
    return -ends[1], -nearest


def _of_pair(
    spec: MetricSpec, first: tuple[Side, Side], second: tuple[Side, Side], extractors: tuple[str, str]
) -> tuple[str, str]:
    said = better(spec, *first), better(spec, *second)
    names = (first[0].name, first[1].name)
    if said[0] == said[1]:
        sentence = (
            f"Both find {_order(names, said[0])}." if said[0] else f"Neither tells {_both(names)} apart."
        )
        return AGREE, sentence
    if 0 in said:
        sure = 0 if said[0] else 1
        return ALONE, (
            f"{extractors[sure]} finds {_order(names, said[sure])}; {extractors[1 - sure]} does not tell them apart."
        )
    return DIFFER, (
        f"{extractors[0]} finds {_order(names, said[0])}, {extractors[1]} finds {_order(names, said[1])}."
    )


def _order(names: tuple[str, str], sign: int) -> str:
    best, worst = names if sign > 0 else names[::-1]
    return f"{best} better than {worst}"


def _both(names: tuple[str, str]) -> str:
    return f"{names[0]} and {names[1]}"


def _overlap(spec: MetricSpec, sides: Sequence[Side], other: Mapping[str, Side]) -> str:
    """Whether the two values themselves agree, where both lie on one scale; only said of the first set."""
    if (spec.low, spec.high) != (0.0, 1.0):
        return ""
    one, two = sides[0], other[sides[0].name]
    overlap = one.low <= two.high and two.low <= one.high
    return f" Their intervals for {one.name} {'overlap' if overlap else 'do not overlap'}."


def _side(name: str, value: float | None, low: float | None, high: float | None) -> Side | None:
    if value is None:
        return None
    return Side(name, value, value if low is None else low, value if high is None else high)
