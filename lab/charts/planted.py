"""What each detector finds of planted copies: a panel a detector, a row a kind, honest images last."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW, _HEAD, _FITS = 23, 74, 24
# Planted copies are neither samples nor training images.
_COLOUR = theme.LABELS[3]


@dataclass(frozen=True)
class Row:
    """A share in 0..1 with its interval; `honest` marks images nobody planted: what is found there is false alarm."""

    name: str
    value: float
    low: float
    high: float
    n: int
    honest: bool = False


def planted_figure(detectors: Sequence[tuple[str, Sequence[Row]]], columns: int = 4) -> go.Figure:
    """Small multiples on one scale from 0 to 100 %.

    Args:
        detectors: title and rows of each; all have the same rows.
        columns: panels side by side.
    """
    from plotly.subplots import make_subplots

    if not detectors:
        return theme.empty("No detector gave a number for these copies.")
    columns = min(columns, len(detectors))
    lines = math.ceil(len(detectors) / columns)
    rows = max(len(told) for _, told in detectors)
    panel = _ROW * rows + _HEAD
    figure: go.Figure = make_subplots(
        rows=lines, cols=columns, subplot_titles=[_title(title) for title, _ in detectors],
        shared_yaxes=True, horizontal_spacing=0.02, vertical_spacing=0 if lines < 2 else _HEAD / (lines * panel),
    )  # fmt: skip
    for place, (_, told) in enumerate(detectors):
        _panel(figure, (place // columns + 1, place % columns + 1), told)
    theme.apply(figure, lines * panel + 40)
    figure.update_layout(showlegend=False, margin={"l": 20, "r": 16, "t": 46, "b": 44})
    figure.update_annotations(font={"color": theme.TEXT, "size": 13})
    figure.update_xaxes(
        range=(-0.05, 1.05),
        tickvals=[0, 0.5, 1],
        ticktext=["0", "50 %", "100"],
        ticks="",
        showticklabels=True,
    )
    return figure


def _title(title: str) -> str:
    """A title in bold, on two lines where it is longer than a panel is wide."""
    return "<br>".join(f"<b>{theme.safe(line)}</b>" for line in textwrap.wrap(title, _FITS))


def _panel(figure: go.Figure, at: tuple[int, int], rows: Sequence[Row]) -> None:
    import plotly.graph_objects as go

    row, column = at
    for honest in (False, True):
        shown = [(place, one) for place, one in enumerate(rows) if one.honest == honest]
        if not shown:
            continue
        colour = theme.MARKS["held-out"].colour if honest else _COLOUR
        figure.add_trace(
            go.Scatter(
                x=[one.value for _, one in shown], y=[len(rows) - 1 - place for place, _ in shown], mode="markers",
                marker={"color": colour, "size": 9, "symbol": theme.MARKS["held-out"].symbol if honest else "circle"},
                error_x={
                    "type": "data", "symmetric": False, "color": theme.tint(colour, 0.7), "thickness": 2, "width": 4,
                    "array": [one.high - one.value for _, one in shown],
                    "arrayminus": [one.value - one.low for _, one in shown],
                },
                customdata=[[one.name, one.low, one.high, one.n] for _, one in shown],
                hovertemplate="%{customdata[0]}: %{x:.0%} (%{customdata[1]:.0%} to %{customdata[2]:.0%}) of "
                "%{customdata[3]}<extra></extra>",
            ),
            row=row, col=column,
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(rows)))[::-1], ticktext=[theme.safe(one.name) for one in rows],
        range=(-0.6, len(rows) - 0.4), ticks="", row=row, col=column,
    )  # fmt: skip
