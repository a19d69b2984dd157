"""One look for every figure: dark like a reading room, safe for colour-blind eyes, shapes beside colours."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

Side = Literal["train", "held-out", "sample"]

BACKGROUND = "#0c0f12"
PANEL = "#11161a"
GRID = "#20272e"
AXIS = "#3a444e"
TEXT = "#d5dce3"
MUTED = "#97a3af"
DANGER = "#f2777a"
SMALLEST = 1e-5
# Three digits in a hover box's own format, where `number` cannot be asked: along a histogram's bins.
DIGITS = ",.3~r"
FONT = "Inter, 'Source Sans Pro', 'Segoe UI', 'Liberation Sans', sans-serif"


@dataclass(frozen=True)
class Mark:
    """How one side of a comparison is drawn everywhere.

    Args:
        name: its words in a legend.
        colour: "#rrggbb".
        symbol: Plotly marker symbol, filled; "-open" makes it hollow.
        dash: line style where it is a line.
    """

    name: str
    colour: str
    symbol: str
    dash: str


MARKS: dict[Side, Mark] = {
    "train": Mark("Training images", "#4f8fd0", "circle", "dot"),
    "held-out": Mark("Held-out images", "#4fd6b0", "diamond", "dash"),
    "sample": Mark("Samples", "#f5a742", "triangle-up", "solid"),
}
SERIES = ("#f5a742", "#c9a2f2", "#f08db0", "#e3dc6a")
SERIES_SYMBOLS = ("circle", "square", "triangle-up", "cross")
LABELS = ("#5aa7e0", "#f5a742", "#4fd6b0", "#d98cc8", "#f0e05a", "#e2704a", "#b9c4ff", "#9aa5b1")


def tint(colour: str, opacity: float) -> str:
    """A "#rrggbb" colour as "rgba(...)" with `opacity` 0..1."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def whisker(
    value: float | None, low: float | None, high: float | None, colour: str
) -> dict[str, object] | None:
    """Plotly error bar from `low` to `high` around `value`; None where there is no interval."""
    if value is None or low is None or high is None:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "color": tint(colour, 0.7),
        "thickness": 2,
        "width": 5,
    }


def heading(title: str, way: str) -> str:
    """A title followed by the direction of better values, dimmed."""
    return f"{safe(title)}  <span style='color:{MUTED}'>{way}</span>"


def safe(text: object) -> str:
    """Text for titles, legends and hover boxes: Plotly reads HTML there, and names come from files."""
    return html.escape(str(text), quote=True)


def number(value: float) -> str:
    """The one way a number of a metric is written on screen: three digits, never a power of ten.

    Small ones have two digits and at most five decimals ("0.00004"); "≈ 0" lies within 0.000005 of zero and is not
    zero. Exports hold all digits.
    """
    size, sign = abs(value), "−" if value < 0 else ""
    if size == 0 or size >= 999.5:
        return f"{sign}{size:,.0f}"
    if size < SMALLEST / 2:
        return "≈ 0"
    if size < 0.00995:
        whole, decimals = f"{size:.{4 if size >= 0.000995 else 5}f}".split(".")
        return f"{sign}{whole}.{decimals[:3]}{decimals[3:].rstrip('0')}"
    digits = 3 if size < 0.9995 else 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{sign}{size:.{digits}f}"


def apply(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the common look; returns the same figure."""
    figure.update_layout(
        height=height,
        paper_bgcolor=BACKGROUND,
        plot_bgcolor=PANEL,
        font={"family": FONT, "size": 13, "color": TEXT},
        margin={"l": 60, "r": 24, "t": 64, "b": 52},
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "xanchor": "left",
            "x": 0,
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"color": TEXT, "size": 13},
            "itemsizing": "constant",
        },
        hoverlabel={
            "bgcolor": "#1b2127",
            "bordercolor": AXIS,
            "font": {"color": TEXT, "family": FONT, "size": 13},
            "align": "left",
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": TEXT},
    )
    axis = {
        "gridcolor": GRID,
        "linecolor": AXIS,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": AXIS,
        "ticklen": 4,
        "tickfont": {"color": MUTED, "size": 12},
        "title_font": {"color": TEXT, "size": 13},
        "automargin": True,
        "exponentformat": "none",
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure


def empty(sentence: str, height: int = 180) -> go.Figure:
    """A figure that says why there is nothing to draw."""
    import plotly.graph_objects as go

    figure = apply(go.Figure(), height)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=safe(sentence),
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"color": MUTED, "size": 14},
    )
    return figure


def near_copies(
    figure: go.Figure, left: float, limit: float, place: Literal["top", "top left"] = "top left"
) -> None:
    """Mark the distances from `left` to `limit`, which only near-copies have, with a word at the limit."""
    figure.add_vrect(x0=left, x1=limit, fillcolor=DANGER, opacity=0.09, line_width=0, layer="below")
    figure.add_vline(
        x=limit,
        line={"color": DANGER, "width": 2},
        annotation_text="◂ near-copy",
        annotation_position=place,
        annotation_font={"color": DANGER, "size": 13},
    )
