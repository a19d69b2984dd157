"""How metrics move together over several sets: a heat map of rank correlations, weak ones greyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

FEWEST = 5
LABELLED = 16
_FAINT, _INK = "#1a2026", "#0b0f12"
_STRONG = 0.45
"""From here on a cell is bright enough for dark numbers."""
"""Most metrics for which each cell carries its number."""


@dataclass(frozen=True)
class Cell:
    """Two metrics over n sets: rank correlation with its 95 % interval, None where it is not defined."""

    first: str
    second: str
    rho: float | None
    low: float | None
    high: float | None
    n: int


def related_figure(names: Sequence[str], cells: Sequence[Cell]) -> go.Figure:
    """A square of correlations; cells of fewer than five sets are grey and keep their number.

    Args:
        names: metrics in the order of rows and columns, as words.
        cells: one a pair, in either order.
    """
    import plotly.graph_objects as go

    if len(names) >= 2 and cells and all(one.rho is None for one in cells):
        return theme.empty("No pair of metrics has a rank correlation over so few sets: three are the least.")
    if len(names) < 2 or not cells:
        return theme.empty("Two metrics measured on several sets are needed.")
    known = {(one.first, one.second): one for one in cells} | {(one.second, one.first): one for one in cells}
    strength: list[list[float | None]] = []
    words: list[list[str]] = []
    told: list[list[str]] = []
    for row in names:
        found = [known.get((row, column)) for column in names]
        strength.append([one.rho if one and one.n >= FEWEST and row != c else None
                         for one, c in zip(found, names, strict=True)])  # fmt: skip
        words.append(["" if one is None or one.rho is None or row == c else _signed(one.rho)
                      for one, c in zip(found, names, strict=True)])  # fmt: skip
        told.append([_told(row, c, one) for one, c in zip(found, names, strict=True)])
    labels = [theme.safe(name) for name in names]
    few = [[0.0 if text and z is None else None for text, z in zip(texts, line, strict=True)]
           for texts, line in zip(words, strength, strict=True)]  # fmt: skip
    shared = {
        "x": labels, "y": labels, "customdata": told, "hovertemplate": "%{customdata}<extra></extra>",
        "xgap": 2, "ygap": 2,
    }  # fmt: skip
    figure = go.Figure(
        [
            go.Heatmap(z=few, showscale=False, colorscale=[[0, _FAINT], [1, _FAINT]], zmin=0, zmax=1, **shared),
            go.Heatmap(z=strength, zmin=-1, zmax=1, colorscale=[[0, "#4f8fd0"], [0.5, "#1b2127"], [1, "#f5a742"]],
                       colorbar={"title": {"text": "Spearman ρ", "font": {"size": 12}}, "thickness": 12, "len": 0.7,
                                 "outlinewidth": 0},
                       showscale=any(z is not None for line in strength for z in line), **shared),
        ]
    )  # fmt: skip
    if len(names) <= LABELLED:
        figure.add_trace(_numbers(labels, words, strength))
    theme.apply(figure, 190 + max(24, 34 if len(names) <= LABELLED else 22) * len(names))
    figure.update_layout(margin={"l": 150, "t": 20, "b": 130})
    figure.update_xaxes(tickangle=-40, showgrid=False, ticks="")
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    return figure


def _numbers(
    labels: Sequence[str], words: Sequence[Sequence[str]], strength: Sequence[Sequence[float | None]]
) -> go.Scatter:
    """The number in each cell: dark on strong cells, light on weak ones, grey where too few sets speak."""
    import plotly.graph_objects as go

    cells = [
        (column, row, text, theme.MUTED if z is None else _INK if abs(z) >= _STRONG else theme.TEXT)
        for row, texts, line in zip(labels, words, strength, strict=True)
        for column, text, z in zip(labels, texts, line, strict=True)
        if text
    ]
    return go.Scatter(
        x=[one[0] for one in cells], y=[one[1] for one in cells], text=[one[2] for one in cells], mode="text",
        textfont={"size": 11, "color": [one[3] for one in cells]}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _told(row: str, column: str, one: Cell | None) -> str:
    if row == column or one is None:
        return theme.safe(row)
    if one.rho is None:
        return f"{theme.safe(row)} and {theme.safe(column)}<br>not defined over {one.n} sets"
    interval = (
        ""
        if one.low is None or one.high is None
        else f", 95 % interval {_signed(one.low)} to {_signed(one.high)}"
    )
    few = "<br>fewer than five sets: greyed, says little" if one.n < FEWEST else ""
    return f"{theme.safe(row)} and {theme.safe(column)}<br>ρ {_signed(one.rho)}{interval}<br>over {one.n} sets{few}"
