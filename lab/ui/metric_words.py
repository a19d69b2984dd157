"""A metric and its number in words: tooltips, values with intervals, what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec
from lab.ui.frame import plain

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler


def explained(spec: MetricSpec) -> str:
    """A metric in a tooltip: definition, direction, null, bias, cost, fewest images, source."""
    ends = [f"{end:g}".replace("inf", "∞").replace("-", "−") for end in (spec.low, spec.high)]
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


def in_digits(frame: pd.DataFrame, columns: Sequence[str]) -> Styler:
    """A table whose numbers are written as in the charts; they still sort as numbers.

    Args:
        frame: any table.
        columns: those of plain numbers; others stay as they are, and a missing number is "–".
    """
    numbers = [name for name in columns if name in frame]
    kept = frame.assign(**{name: frame[name].astype("float64") for name in numbers})
    return kept.style.format(dict.fromkeys(numbers, _digits), na_rep="–")


def _digits(value: object) -> str:
    return theme.number(value) if isinstance(value, float) else str(value)
