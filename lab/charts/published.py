"""Own runs beside figures that others published: one metric, one row each, theirs hollow and named as not ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW = 34


@dataclass(frozen=True)
class Standing:
    """One row.

    Args:
        name: the generator or the set, as words.
        value, low, high: the number with its interval or the published spread; None where nobody gave one.
        own: measured here.
        hover: where it comes from.
        under: a few words under the name, such as the extractor.
        scale: what the values of one scale share, such as real set and extractor.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    own: bool
    hover: str
    under: str = ""
    scale: str = ""


def standing_figure(rows: Sequence[Standing], spec: MetricSpec) -> go.Figure:
    """Own rows, then the published ones, each block from better to worse: the two are never one ranking.

    Own rows that were measured in another way (`Standing.scale`) are a block of their own: their scales differ.

    Args:
        rows: in any order.
        spec: of the metric; one best at a null line is sorted by the distance from it.
    """
    import plotly.graph_objects as go

    if not rows:
        return theme.empty("There is no published figure and no run of yours for this choice.")
    ordered = sorted(rows, key=lambda row: (not row.own, _block(row), _badness(row.value, spec)))
    figure = go.Figure()
    for place, row in enumerate(ordered):
        _row(figure, row, len(ordered) - place)
    for own in sorted({row.own for row in ordered}, reverse=True):
        colour, symbol = _look(own)
        name = "Your runs" if own else "Published by others, not ours"
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="markers", name=name,
                       marker={"symbol": symbol, "color": colour, "size": 11})
        )  # fmt: skip
    if spec.null_line is not None:
        figure.add_vline(x=spec.null_line, line={"color": theme.MUTED, "width": 1.5, "dash": "dash"})
    for place, (above, below) in enumerate(pairwise(ordered), 1):
        if above.own != below.own or _block(above) != _block(below):
            dash = "solid" if above.own != below.own else "dot"
            line = {"color": theme.AXIS, "width": 1, "dash": dash}
            figure.add_hline(y=len(ordered) - place + 0.5, line=line)
    theme.apply(figure, 110 + _ROW * len(ordered))
    figure.update_layout(margin={"l": 240, "r": 76, "t": 40, "b": 48})
    figure.update_yaxes(
        tickvals=list(range(len(ordered), 0, -1)), ticktext=[_label(row) for row in ordered],
        range=(0.3, len(ordered) + 0.7), showgrid=False, ticks="",
    )  # fmt: skip
    figure.update_xaxes(title_text=theme.heading(spec.title, spec.arrow))
    return figure


def _block(row: Standing) -> str:
    """What the own rows of one scale share; published rows are one block."""
    return row.scale if row.own else ""


def _look(own: bool) -> tuple[str, str]:
    return (theme.MARKS["sample"].colour, "triangle-up") if own else (theme.MUTED, "circle-open")


def _row(figure: go.Figure, row: Standing, height: int) -> None:
    import plotly.graph_objects as go

    colour, symbol = _look(row.own)
    figure.add_trace(
        go.Scatter(x=[row.value], y=[height], mode="markers", showlegend=False, cliponaxis=False,
                   error_x=theme.whisker(row.value, row.low, row.high, colour),
                   marker={"symbol": symbol, "size": 13 if row.own else 10, "color": colour,
                           "line": {"width": 0 if row.own else 2, "color": colour}},
                   hovertemplate=f"<b>{theme.safe(row.name)}</b><br>{theme.safe(row.hover)}<extra></extra>")
    )  # fmt: skip
    figure.add_annotation(
        x=1.01, xref="paper", xanchor="left", y=height, text=theme.number(row.value), showarrow=False,
        font={"color": theme.TEXT if row.own else theme.MUTED, "size": 12},
    )  # fmt: skip


def _label(row: Standing) -> str:
    name = row.name if len(row.name) <= 30 else f"{row.name[:29]}…"
    colour = theme.TEXT if row.own else theme.MUTED
    under = (
        f"<br><span style='color:{theme.MUTED};font-size:11px'>{theme.safe(row.under)}</span>"
        if row.under
        else ""
    )
    return f"<span style='color:{colour}'>{theme.safe(name)}</span>{under}"


def _badness(value: float, spec: MetricSpec) -> float:
    if spec.direction == "null":
        return abs(value - (spec.null_line or 0.0))
    return value if spec.direction == "lower" else -value
