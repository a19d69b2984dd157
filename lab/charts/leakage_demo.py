"""Figures of the guided demonstration: few words in large type, readable from the last row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme
from lab.neighbours.intervals import Share

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BIG = 18


@dataclass(frozen=True)
class Dose:
    """One series of the figure on causes.

    Args:
        name: its words in the legend.
        sides: which look it has: "sample", "train" or "held-out".
        shares: a share, or None where it was not measured, for each place on the axis.
    """

    name: str
    side: theme.Side
    shares: Sequence[Share | None]


def control_figure(
    held_out: NDArray[Any], marked: float, threshold: float, unit: str, height: int = 230
) -> go.Figure:
    """Where one sample lies among held-out images: as a histogram, with the near-copy threshold.

    Args:
        held_out: (h,) distance of each held-out image to its nearest training image.
        marked: the sample's distance.
        threshold: distances up to this count as near-copies.
        unit: name of the distance.
    """
    import plotly.graph_objects as go

    values = np.asarray(held_out, dtype=np.float64)
    low, high = min(float(values.min()), marked, threshold), max(float(values.max()), marked)
    room = 0.04 * (high - low) or 0.01
    edges = np.linspace(low - room, high + room, 45)
    counts = np.histogram(values, edges)[0]
    mark = theme.MARKS["held-out"]
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, marker={"color": mark.colour}, opacity=0.75,
            hovertemplate=f"%{{y}} held-out images near %{{x:{theme.DIGITS}}}<extra></extra>",
        )
    )  # fmt: skip
    theme.apply(figure, height)
    _larger(figure)
    figure.add_vrect(
        x0=edges[0], x1=threshold, fillcolor=theme.DANGER, opacity=0.12, line_width=0, layer="below"
    )
    figure.add_vline(x=threshold, line={"color": theme.DANGER, "width": 2, "dash": "dash"})
    figure.add_annotation(
        x=marked, y=0.55 * float(counts.max()), ax=0, ay=-46, text="this sample", showarrow=True, arrowhead=2,
        arrowcolor=theme.MARKS["sample"].colour, arrowwidth=3, font={"size": _BIG, "color": theme.TEXT},
        bgcolor=theme.tint(theme.BACKGROUND, 0.75),
    )  # fmt: skip
    figure.add_vline(x=marked, line={"color": theme.MARKS["sample"].colour, "width": 3})
    figure.update_layout(bargap=0.05, showlegend=False, margin={"l": 10, "r": 10, "t": 12, "b": 46})
    figure.update_xaxes(
        title_text=f"{theme.safe(unit)}: nearer ◂   ▸ farther", nticks=6, title_font={"size": 16}
    )
    figure.update_yaxes(showticklabels=False, showgrid=False, ticks="")
    return figure


def dose_figure(places: Sequence[str], axis: str, doses: Sequence[Dose], height: int = 400) -> go.Figure:
    """Share of films given back against a dose, with intervals; colours never alone: each series has its own shape.

    Args:
        places: words of each place on the axis.
        axis: what the axis is.
        doses: the series; their shares are parallel to `places`.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, dose in enumerate(doses):
        mark = theme.MARKS[dose.side]
        known = [(at, share) for at, share in enumerate(dose.shares) if share is not None]
        shift = 0.09 * (number - (len(doses) - 1) / 2)
        figure.add_trace(
            go.Scatter(
                x=[at + shift for at, _ in known],
                y=[share.value for _, share in known],
                mode="markers+text",
                name=theme.safe(dose.name),
                text=[f"  {share.hits} of {share.n}  " for _, share in known],
                textposition=f"middle {'left' if dose.side == 'train' else 'right'}",
                textfont={"size": _BIG, "color": theme.TEXT},
                marker={"symbol": mark.symbol, "size": 19, "color": mark.colour},
                error_y={
                    "type": "data", "symmetric": False, "thickness": 3, "width": 8,
                    "color": theme.tint(mark.colour, 0.7),
                    "array": [share.high - share.value for _, share in known],
                    "arrayminus": [share.value - share.low for _, share in known],
                },
                hovertemplate="%{y:.0%}<extra></extra>",
                cliponaxis=False,
            )
        )  # fmt: skip
    theme.apply(figure, height)
    _larger(figure)
    figure.update_layout(margin={"l": 60, "r": 110, "t": 56, "b": 56})
    figure.update_xaxes(
        tickvals=list(range(len(places))), ticktext=[theme.safe(place) for place in places],
        range=(-0.4, len(places) - 0.4), title_text=theme.safe(axis), showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(range=(-0.06, 1.08), tickformat=".0%", title_text="Films given back")
    return figure


def larger(figure: go.Figure) -> go.Figure:
    """The same figure in the type of a slide; returns it."""
    return _larger(figure)


def _larger(figure: go.Figure) -> go.Figure:
    figure.update_layout(
        font={"size": _BIG}, legend={"font": {"size": 16}}, hoverlabel={"font": {"size": 16}}
    )
    figure.update_xaxes(tickfont={"size": 15, "color": theme.TEXT}, title_font={"size": _BIG})
    figure.update_yaxes(tickfont={"size": 15, "color": theme.TEXT}, title_font={"size": _BIG})
    return figure
