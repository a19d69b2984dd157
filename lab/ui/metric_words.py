"""A metric and its number in words: tooltips, values with intervals, what stands beside them."""

from __future__ import annotations

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec
from lab.ui.frame import plain


def explained(spec: MetricSpec) -> str:
    """A metric in a tooltip: definition, direction, null, bias, cost, fewest images, source."""
    ends = [f"{end:g}" if abs(end) != float("inf") else "∞" for end in (spec.low, spec.high)]
    return (
        f"{plain(spec.definition)}\n\n**{plain(spec.arrow)}**, range {plain(ends[0])} to {plain(ends[1])}. "
        f"Honest data: {plain(spec.null)}.\n\n"
        f"Bias: {plain(spec.bias)}. Needs {spec.minimum_n} images a side. Cost: {plain(spec.cost)}.\n\n"
        f"{plain(spec.reference)}"
    )


def valued(result: MetricResult) -> str:
    """The value with its interval, "–" without one."""
    if result.value is None:
        return "–"
    return f"{theme.number(result.value)}{interval(result.low, result.high)}"


def interval(low: float | None, high: float | None) -> str:
    """ " (0.1 to 0.3)", or nothing."""
    return "" if low is None or high is None else f" ({theme.number(low)} to {theme.number(high)})"


def beside(spec: MetricSpec, result: MetricResult) -> str:
    """What honest data scores: the held-out control, the floor and the null line, as far as they are known."""
    parts = []
    if result.control is not None:
        parts.append(
            f"held-out {theme.number(result.control)}{interval(result.control_low, result.control_high)}"
        )
    if spec.null_line is not None:
        parts.append(f"null line {theme.number(spec.null_line)}")
    elif result.floor is not None:
        parts.append(f"{spec.floor[:1].lower()}{spec.floor[1:]} {theme.number(result.floor)}")
    return ", ".join(parts)
