"""One metric over past runs: has the generator become better, and is the difference larger than its interval?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class PastResult:
    """A result and the run it came from.

    Args:
        when: ISO 8601 time at which the run ended.
        run: words for the run, shown under the axis and on hover.
        result: the number; without a value it is left out.
    """

    when: str
    run: str
    result: MetricResult


def history_figure(past: Sequence[PastResult], spec: MetricSpec, height: int = 360) -> go.Figure:
    """Values in order of time with their intervals, each above its own held-out control.

    Returns:
        A figure; point customdata is (position in `past`,).
    """
    import plotly.graph_objects as go

    found = [at for at, one in enumerate(past) if one.result.value is not None]
    order = sorted(found, key=lambda at: past[at].when)
    if not order:
        return theme.empty("No past run has this metric yet.")
    figure = go.Figure()
    shown = [past[at] for at in order]
    held = [(place, one.result) for place, one in enumerate(shown) if one.result.control is not None]
    if held:
        figure.add_trace(
            _line(
                "held-out",
                [place for place, _ in held],
                [(item.control, item.control_low, item.control_high) for _, item in held],
                None,
                [f"Held-out images: {theme.number(item.control or 0)}" for _, item in held],
            )
        )
    figure.add_trace(
        _line(
            "sample",
            list(range(len(shown))),
            [(one.result.value, one.result.low, one.result.high) for one in shown],
            order,
            [_hover(one) for one in shown],
        )
    )
    if spec.null_line is not None:
        figure.add_hline(y=spec.null_line, line={"color": theme.MUTED, "width": 1.2, "dash": "dash"})
    theme.apply(figure, height)
    figure.update_xaxes(
        tickvals=list(range(len(shown))),
        ticktext=[f"{theme.safe(one.run[:18])}<br>{theme.safe(one.when[:10])}" for one in shown],
        range=(-0.5, len(shown) - 0.5),
        showgrid=False,
    )
    figure.update_yaxes(title_text=theme.heading(spec.title, spec.arrow))
    return figure


def _hover(one: PastResult) -> str:
    item = one.result
    return (
        f"<b>{theme.safe(one.run)}</b><br>{theme.safe(one.when)}<br>"
        f"{theme.safe(item.title)} {theme.number(item.value or 0)}<br>"
        f"{item.n_synthetic} samples, seed {item.seed}"
    )


def _line(
    side: theme.Side,
    places: Sequence[int],
    ends: Sequence[tuple[float | None, float | None, float | None]],
    rows: Sequence[int] | None,
    words: Sequence[str],
) -> go.Scatter:
    import plotly.graph_objects as go

    mark = theme.MARKS[side]
    up = [0.0 if high is None or value is None else high - value for value, _, high in ends]
    down = [0.0 if low is None or value is None else value - low for value, low, _ in ends]
    return go.Scatter(
        x=[place + (0.06 if side == "held-out" else -0.06) for place in places],
        y=[value for value, _, _ in ends],
        mode="lines+markers",
        name=mark.name,
        text=list(words),
        hovertemplate="%{text}<extra></extra>",
        customdata=[[row] for row in rows] if rows is not None else None,
        line={"color": theme.tint(mark.colour, 0.5), "width": 1.5, "dash": mark.dash},
        marker={"symbol": mark.symbol, "size": 10, "color": mark.colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": up,
            "arrayminus": down,
            "color": theme.tint(mark.colour, 0.7),
            "thickness": 1.8,
            "width": 5,
        },
    )
