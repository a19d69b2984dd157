"""Which of two values is better, by the direction of their metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

Groups = Mapping[str, Sequence[MetricResult]]
"""Results by name of a set."""


def goal(spec: MetricSpec, value: float) -> float:
    """The value on a scale where more is better; the distance to the null line where that is the aim."""
    if spec.direction == "higher":
        return value
    if spec.direction == "lower" or spec.null_line is None:
        return -value
    return -abs(value - spec.null_line)


def goal_ends(spec: MetricSpec, low: float, high: float) -> tuple[float, float]:
    """The ends of an interval on the same scale, the worse end first."""
    ends = sorted((goal(spec, low), goal(spec, high)))
    inside = spec.direction == "null" and spec.null_line is not None and low <= spec.null_line <= high
    return ends[0], 0.0 if inside else ends[1]


def values_of(groups: Groups, group: str = "all") -> dict[str, dict[str, float]]:
    """Values by metric, then by set; only those that were computed, of one part of each set ("all" is the whole)."""
    found: dict[str, dict[str, float]] = {}
    for name, results in groups.items():
        for result in results:
            if result.value is not None and result.group == group:
                found.setdefault(result.metric, {})[name] = result.value
    return found
