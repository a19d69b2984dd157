"""Small multiples: one metric in every group of a breakdown, with n under each and small groups greyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW = 46


@dataclass(frozen=True)
class GroupResult:
    """One group's result; `small` where it has fewer images than a person asked for."""

    name: str
    result: MetricResult
    small: bool = False


def groups_figure(groups: Sequence[GroupResult], spec: MetricSpec, samples: str = "Samples") -> go.Figure:
    """Dots with whiskers, one row a group, its held-out control as a diamond beside it.

    Args:
        groups: in the order of the breakdown; those without a value keep their row and say so.
        spec: of the metric.
        samples: what the measured side is called.

    Returns:
        A figure; point customdata is (position in `groups`,).
    """
    import plotly.graph_objects as go

    if not any(one.result.value is not None for one in groups):
        return theme.empty("No group has enough images for this metric.")
    figure = go.Figure()
    rows = len(groups)
    for place, one in enumerate(groups):
        _row(figure, one, place, rows - place)
    if spec.null_line is not None:
        figure.add_vline(x=spec.null_line, line={"color": theme.MUTED, "width": 1.5, "dash": "dash"})
    sides = [(samples, theme.MARKS["sample"])]
    if any(one.result.control is not None for one in groups):
        sides.append(("Held-out images (control)", theme.MARKS["held-out"]))
    for name, mark in sides:
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", name=name,
                                    marker={"symbol": mark.symbol, "color": mark.colour, "size": 11}))  # fmt: skip
    theme.apply(figure, 100 + _ROW * rows)
    figure.update_layout(margin={"l": 150, "t": 40, "b": 44})
    figure.update_yaxes(
        tickvals=list(range(rows, 0, -1)),
        ticktext=[_label(one, samples.lower()) for one in groups],
        range=(0.4, rows + 0.6),
        showgrid=False,
        ticks="",
    )
    figure.update_xaxes(title_text=theme.heading(spec.title, spec.arrow))
    return figure


def _label(one: GroupResult, samples: str) -> str:
    words = theme.safe(one.name.partition(": ")[2] or "All images")
    colour = theme.MUTED if one.small or one.result.value is None else theme.TEXT
    counts = f"n {one.result.n_synthetic:,} {samples}, {one.result.n_real:,} training"
    return (
        f"<span style='color:{colour}'>{words}</span>"
        f"<br><span style='color:{theme.MUTED};font-size:11px'>{counts}</span>"
    )


def _row(figure: go.Figure, one: GroupResult, place: int, height: int) -> None:
    import plotly.graph_objects as go

    item = one.result
    if item.value is None:
        figure.add_annotation(
            x=0.02, xref="paper", y=height, text="not computed: too few images", showarrow=False, xanchor="left",
            font={"color": theme.MUTED, "size": 12},
        )  # fmt: skip
        return
    points = [("held-out", height - 0.16, item.control, item.control_low, item.control_high)]
    points.append(("sample", height + 0.1, item.value, item.low, item.high))
    for side, y, value, low, high in points:
        if value is None:
            continue
        mark = theme.MARKS["sample" if side == "sample" else "held-out"]
        colour = theme.MUTED if one.small else mark.colour
        figure.add_trace(
            go.Scatter(x=[value], y=[y], mode="markers", showlegend=False, customdata=[[place]],
                       error_x=theme.whisker(value, low, high, colour), cliponaxis=False,
                       marker={"symbol": mark.symbol + ("-open" if one.small else ""),
                               "size": 12 if side == "sample" else 9, "color": colour},
                       hovertemplate=f"{theme.safe(one.name)}<br>{mark.name}: {theme.number(value)}"
                       f"{' (few images)' if one.small else ''}<extra></extra>")
        )  # fmt: skip
