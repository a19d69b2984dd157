"""What stands behind one metric: curves, histograms, bars and receiver operating curves, from its plain details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.charts import theme
from lab.charts.roc import Curve, roc_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

_HEIGHT = 300
_BINS = 40
_SIDES: dict[str, theme.Side] = {
    "samples": "sample", "synthetic": "sample", "held_out": "held-out", "held-out": "held-out", "control": "held-out",
    "train": "train", "training": "train", "real": "train", "floor": "train",
}  # fmt: skip


def curve_figure(told: Mapping[str, Any], title: str = "") -> go.Figure:
    """A line, or several over one x.

    Args:
        told: {"x": [...], "y": [...] or {name: [...]}, "x_title", "y_title"}, optionally "log_x".
        title: said where nothing can be drawn.
    """
    import plotly.graph_objects as go

    lines = told.get("y") or {}
    named = dict(lines) if isinstance(lines, Mapping) else {"": lines}
    x = list(told.get("x", []))
    figure = go.Figure()
    for place, (name, y) in enumerate(named.items()):
        look = _look(str(name), place)
        figure.add_trace(
            go.Scatter(x=x, y=list(y), mode="lines+markers" if len(x) <= 40 else "lines",
                       name=theme.safe(_words(str(name)) or title), line={"color": look.colour, "dash": look.dash},
                       marker={"symbol": look.symbol, "size": 7, "color": look.colour})
        )  # fmt: skip
    if not x or not named:
        return theme.empty(f"{title}: nothing to draw.")
    theme.apply(figure, _HEIGHT)
    figure.update_layout(showlegend=len(named) > 1)
    figure.update_xaxes(title_text=theme.safe(told.get("x_title", "")))
    if told.get("log_x"):
        figure.update_xaxes(type="log")
    figure.update_yaxes(title_text=theme.safe(told.get("y_title", "")))
    return figure


def histogram_figure(told: Mapping[str, Any], marked: float | None = None) -> go.Figure:
    """Distributions of each side as shares of that side, on common bins.

    Args:
        told: side name to its values, and "x_title".
        marked: where a threshold stands.
    """
    import plotly.graph_objects as go

    sides = {
        name: np.asarray([v for v in values if v is not None], dtype=np.float64)
        for name, values in told.items()
        if isinstance(values, Sequence) and not isinstance(values, str)
    }
    sides = {name: values[np.isfinite(values)] for name, values in sides.items()}
    sides = {name: values for name, values in sides.items() if len(values)}
    if not sides:
        return theme.empty("There are no values to draw.")
    everything = np.concatenate(list(sides.values()))
    edges = np.histogram_bin_edges(everything, bins=_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for place, (name, values) in enumerate(sides.items()):
        look = _look(name, place)
        share = np.histogram(values, bins=edges)[0] / len(values)
        figure.add_trace(
            go.Scatter(x=middles, y=share, mode="lines", line={"shape": "hvh", "color": look.colour, "dash": look.dash},
                       fill="tozeroy", fillcolor=theme.tint(look.colour, 0.14),
                       name=f"{theme.safe(_words(name))} (n {len(values):,})",
                       hovertemplate=f"%{{y:.1%}} near %{{x:{theme.DIGITS}}}<extra></extra>")
        )  # fmt: skip
    if marked is not None:
        figure.add_vline(x=marked, line={"color": theme.DANGER, "width": 2})
    theme.apply(figure, _HEIGHT)
    figure.update_xaxes(title_text=theme.safe(told.get("x_title", "")))
    figure.update_yaxes(title_text="Share of each side", tickformat=".0%", rangemode="tozero")
    return figure


def bars_figure(told: Mapping[str, Any]) -> go.Figure:
    """Sub-values by name, as horizontal bars; names that are sides wear their side's colour."""
    import plotly.graph_objects as go

    known = {str(name): float(value) for name, value in told.items() if isinstance(value, int | float)}
    if not known:
        return theme.empty("There are no values to draw.")
    colours = [_look(name, 0).colour for name in known]
    figure = go.Figure(
        go.Bar(x=list(known.values()), y=[theme.safe(_words(name)) for name in known], orientation="h",
               marker={"color": [theme.tint(colour, 0.75) for colour in colours]},
               text=[theme.number(value) for value in known.values()], textposition="outside", cliponaxis=False,
               hovertemplate="%{y}: %{text}<extra></extra>")
    )  # fmt: skip
    theme.apply(figure, 90 + 30 * len(known))
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    figure.update_layout(showlegend=False, margin={"t": 20, "r": 60}, bargap=0.35)
    return figure


def receiver_figure(told: Mapping[str, Any], log: bool = False) -> go.Figure:
    """One attack's curve, or several by name, beside the line of chance.

    Args:
        told: {"false_positive": [...], "true_positive": [...], "auc": ..., "low", "high"}, or {name: such a mapping}.
        log: both axes logarithmic.
    """
    several = {"": told} if "false_positive" in told else told
    curves = [
        Curve(
            _words(str(name)) or "Attack",
            np.asarray(one["false_positive"], dtype=np.float64),
            np.asarray(one["true_positive"], dtype=np.float64),
            float(one["auc"]),
            _known(one.get("low"), one["auc"]),
            _known(one.get("high"), one["auc"]),
            control=str(name) in ("control", "held_out"),
        )
        for name, one in several.items()
        if isinstance(one, Mapping) and "false_positive" in one
    ]
    return roc_figure(curves, log=log)


def _known(value: Any, otherwise: Any) -> float:
    return float(otherwise if value is None else value)


def _look(name: str, place: int) -> theme.Mark:
    side = _SIDES.get(name)
    if side is not None:
        return theme.MARKS[side]
    colours, symbols = theme.SERIES, theme.SERIES_SYMBOLS
    return theme.Mark(name, colours[place % len(colours)], symbols[place % len(symbols)], "solid")


def _words(name: str) -> str:
    """A name from details as words: "held_out" becomes "Held-out images"."""
    side = _SIDES.get(name)
    if side is not None:
        return theme.MARKS[side].name
    plain = name.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]
