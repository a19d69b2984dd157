"""What helps, and what it costs: share of planted films still given back against fidelity, one mark a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_COLOURS = (*theme.SERIES, *theme.LABELS)
_SIDES = ("top left", "top right", "bottom right", "bottom left")
_SYMBOLS = (
    "circle",
    "square",
    "triangle-up",
    "cross",
    "diamond",
    "star",
    "pentagon",
    "x",
    "hexagon",
    "triangle-down",
)


@dataclass(frozen=True)
class Remedy:
    """One generator: share of planted films found, and distance of its samples to unseen films, with intervals.

    Attributes:
        name: for people; a number beside the mark points to it in the legend, since long names would overlap.
        mitigated: whether something was done against copying; drawn filled where so, hollow where not.
        share, low, high: films given back, 0..1.
        n: films asked for.
        price, price_low, price_high: kernel distance x 1000; larger is less faithful.
    """

    name: str
    mitigated: bool
    share: float
    low: float
    high: float
    n: int
    price: float
    price_low: float | None
    price_high: float | None


def remedies_figure(remedies: Sequence[Remedy], height: int = 480) -> go.Figure:
    """Down is more private, left is more faithful: the best corner is the lower left.

    Returns:
        A figure; point customdata is (position in `remedies`,).
    """
    import plotly.graph_objects as go

    if not remedies:
        return theme.empty("No generator has both a share of films found and a fidelity figure yet.")
    figure = go.Figure()
    for at, one in enumerate(remedies):
        figure.add_trace(_mark(one, at))
    theme.apply(figure, height)
    figure.update_xaxes(title_text=theme.heading("Kernel distance × 1000 to unseen films", "← more faithful"))
    figure.update_yaxes(
        title_text=theme.heading("Planted films given back", "↓ more private"),
        tickformat=".0%",
        range=(-0.06, 1.08),
    )
    figure.update_layout(
        margin={"t": 28},
        legend={
            "orientation": "v",
            "x": 1.02,
            "y": 1,
            "yanchor": "top",
            "tracegroupgap": 6,
            "itemclick": False,
        },
    )
    return figure


def _mark(one: Remedy, at: int) -> go.Scatter:
    import plotly.graph_objects as go

    colour, symbol = _COLOURS[at % len(_COLOURS)], _SYMBOLS[at % len(_SYMBOLS)]
    told = f"{one.share:.0%} of {one.n} films ({one.low:.0%} to {one.high:.0%})"
    cost = theme.number(one.price)
    if one.price_low is not None and one.price_high is not None:
        cost += f" ({theme.number(one.price_low)} to {theme.number(one.price_high)})"
    return go.Scatter(
        x=[one.price],
        y=[one.share],
        mode="markers+text",
        text=[str(at + 1)],
        # Marks may lie on each other: their numbers then stand on different sides.
        textposition=_SIDES[at % len(_SIDES)],
        textfont={"color": theme.TEXT, "size": 13},
        customdata=[[at]],
        name=f"{at + 1} · {_wrapped(one.name)}",
        cliponaxis=False,
        error_x=theme.whisker(one.price, one.price_low, one.price_high, colour),
        error_y=theme.whisker(one.share, one.low, one.high, colour),
        marker={
            "symbol": symbol if one.mitigated else f"{symbol}-open",
            "size": 14,
            "color": colour,
            "line": {"width": 2.5, "color": colour},
        },
        hovertemplate=f"<b>{theme.safe(one.name)}</b><br>given back: {told}<br>kernel distance × 1000: {cost}"
        "<extra></extra>",
    )


def _wrapped(text: str, width: int = 30) -> str:
    import textwrap

    return "<br>".join(theme.safe(line) for line in textwrap.wrap(text, width))
