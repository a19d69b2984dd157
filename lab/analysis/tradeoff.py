"""Fidelity, variety and privacy of several sets as points: pairwise, in three dimensions, and which none beats."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.analysis.goals import Groups, goal
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

AXES = ("fidelity", "diversity", "privacy")
Axes = tuple[MetricSpec, MetricSpec, MetricSpec]


@dataclass(frozen=True)
class TradeoffPoint:
    """One set.

    Args:
        name: of the set; pages open its samples by it.
        results: fidelity, variety and privacy.
        unbeaten: no other set is at least as good on all three and better on one.
    """

    name: str
    results: tuple[MetricResult, MetricResult, MetricResult]
    unbeaten: bool = False

    @property
    def values(self) -> tuple[float, float, float]:
        """The three values."""
        first, second, third = (float(result.value or 0.0) for result in self.results)
        return first, second, third

    @property
    def controls(self) -> tuple[float | None, float | None, float | None]:
        """The three held-out lines."""
        first, second, third = (result.control for result in self.results)
        return first, second, third


def headline_axes(groups: Groups, specs: Sequence[MetricSpec]) -> Axes | None:
    """One metric for each of the three questions: the first of `specs` that most sets have; None without one.

    Args:
        groups: results by set.
        specs: in the order of preference (`lab.metrics.registry.all_specs`).
    """
    counts: dict[str, int] = {}
    for results in groups.values():
        for name in {one.metric for one in results if one.value is not None and one.group == "all"}:
            counts[name] = counts.get(name, 0) + 1
    chosen = []
    for axis in AXES:
        present = [spec for spec in specs if spec.axis == axis and counts.get(spec.name)]
        if not present:
            return None
        chosen.append(max(present, key=lambda spec: counts[spec.name]))
    return chosen[0], chosen[1], chosen[2]


def tradeoff_points(groups: Groups, axes: Axes) -> list[TradeoffPoint]:
    """Sets that have all three numbers, in their order."""
    found = []
    for name, results in groups.items():
        known = {one.metric: one for one in results if one.value is not None and one.group == "all"}
        if all(spec.name in known for spec in axes):
            first, second, third = (known[spec.name] for spec in axes)
            found.append(TradeoffPoint(name, (first, second, third)))
    goals = [tuple(goal(spec, value) for spec, value in zip(axes, one.values, strict=True)) for one in found]
    return [
        TradeoffPoint(one.name, one.results, not any(_beats(other, mine) for other in goals))
        for one, mine in zip(found, goals, strict=True)
    ]


def pairs(axes: Axes) -> list[tuple[MetricSpec, MetricSpec]]:
    """The three flat charts: fidelity and variety, fidelity and privacy, variety and privacy."""
    return list(itertools.combinations(axes, 2))


def coordinates(points: Sequence[TradeoffPoint], axes: Axes) -> list[Mapping[str, object]]:
    """A row a set for tables and exports: its name, the three values with their ends, and whether none beats it."""
    rows: list[Mapping[str, object]] = []
    for point in points:
        row: dict[str, object] = {"set": point.name, "unbeaten": point.unbeaten}
        for spec, result in zip(axes, point.results, strict=True):
            row |= {
                spec.name: result.value,
                f"{spec.name} low": result.low,
                f"{spec.name} high": result.high,
                f"{spec.name} held-out": result.control,
            }
        rows.append(row)
    return rows


def _beats(other: Sequence[float], mine: Sequence[float]) -> bool:
    at_least = all(theirs >= ours for theirs, ours in zip(other, mine, strict=True))
    return at_least and tuple(other) != tuple(mine)
