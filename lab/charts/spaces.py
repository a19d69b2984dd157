"""Ranks of the same films in several spaces: lines that stay level agree, lines that cross do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class RankLine:
    """One film in every space.

    Attributes:
        name: opaque code of the film, in the hover box, and at the end of the bright line.
        ranks: rank in each space, 1 for the nearest; None where it was not compared.
        hover: words for the hover box, one text a space.
        lead: the film that is looked at first; drawn bright.
        shown: among the films shown beside the image; drawn in the colour of training images.
    """

    name: str
    ranks: Sequence[int | None]
    hover: Sequence[str]
    lead: bool = False
    shown: bool = False


def rank_figure(spaces: Sequence[str], lines: Sequence[RankLine], n: int, height: int = 380) -> go.Figure:
    """Films as lines over spaces, rank 1 on top, ranks on a logarithmic scale.

    Args:
        spaces: names of the columns.
        lines: the films, the one looked at first among them.
        n: number of training films, the lowest possible rank.

    Returns:
        A figure; each line's customdata is the position of its film in `lines`.
    """
    import plotly.graph_objects as go

    if not lines:
        return theme.empty("No film was ranked yet.")
    figure = go.Figure()
    order = sorted(range(len(lines)), key=lambda at: (lines[at].lead, lines[at].shown))
    for at in order:
        figure.add_trace(_line(spaces, lines[at], at))
    theme.apply(figure, height)
    lowest = max((rank for line in lines for rank in line.ranks if rank), default=10)
    ticks = [
        tick
        for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000)
        if tick <= 2 * lowest
    ]
    figure.update_yaxes(
        title_text=f"Rank among {n:,} training images",
        type="log",
        autorange="reversed",
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
    )
    figure.update_xaxes(type="category", showgrid=True, side="top", ticklen=0)
    figure.update_layout(showlegend=False, margin={"t": 44, "b": 16, "l": 70, "r": 90}, hovermode="closest")
    return figure


def _line(spaces: Sequence[str], line: RankLine, at: int) -> go.Scatter:
    import plotly.graph_objects as go

    mark = theme.MARKS["sample" if line.lead else "train"]
    colour = mark.colour if line.lead or line.shown else theme.AXIS
    last = max((place for place, rank in enumerate(line.ranks) if rank), default=0)
    words = [theme.safe(line.name) if line.lead and place == last else "" for place in range(len(spaces))]
    return go.Scatter(
        x=list(spaces),
        y=list(line.ranks),
        mode="lines+markers+text",
        text=words,
        textposition="middle right",
        textfont={"color": colour, "size": 12},
        name=theme.safe(line.name),
        line={"color": colour, "width": 3.5 if line.lead else 2 if line.shown else 1.2},
        marker={
            "size": 12 if line.lead else 9 if line.shown else 6,
            "symbol": "circle" if line.lead or line.shown else "circle-open",
            "color": colour,
        },
        customdata=[at] * len(spaces),
        hovertext=[theme.safe(text) for text in line.hover],
        hovertemplate="<b>%{fullData.name}</b><br>%{x}: rank %{y:,}<br>%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
