"""Fidelity against privacy: one mark a set, so that neither is read alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go


_PLACES = ("top right", "bottom right", "top left", "bottom left")


@dataclass(frozen=True)
class SetPoint:
    """One synthetic set with a fidelity and a privacy result; sets where either has no value are left out."""

    name: str
    fidelity: MetricResult
    privacy: MetricResult


def tradeoff_figure(
    sets: Sequence[SetPoint], fidelity: MetricSpec, privacy: MetricSpec, height: int = 460
) -> go.Figure:
    """Sets as marks with whiskers, the held-out images as a reference mark.

    Returns:
        A figure; point customdata is (position in `sets`,), -1 for the held-out images.
    """
    import plotly.graph_objects as go

    shown = [
        (at, one)
        for at, one in enumerate(sets)
        if one.fidelity.value is not None and one.privacy.value is not None
    ]
    if not shown:
        return theme.empty("No set has both a fidelity and a privacy number yet.")
    figure = go.Figure()
    for place, (at, one) in enumerate(shown):
        figure.add_trace(_mark(one, place, at))
    _control(figure, shown[0][1])
    if privacy.null_line is not None:
        figure.add_hline(
            y=privacy.null_line,
            line={"color": theme.MUTED, "width": 1.5, "dash": "dash"},
            annotation_text="honest data",
            annotation_position="bottom right",
            annotation_font={"color": theme.MUTED, "size": 12},
        )
    theme.apply(figure, height)
    figure.update_xaxes(title_text=theme.heading(fidelity.title, _way(fidelity, "x")))
    figure.update_yaxes(title_text=theme.heading(privacy.title, _way(privacy, "y")))
    figure.update_layout(showlegend=False, margin={"t": 28})
    return figure


def _way(spec: MetricSpec, axis: str) -> str:
    words = {
        "lower": ("← better", "↓ better"),
        "higher": ("better →", "↑ better"),
        "null": ("best at the dashed line",) * 2,
    }
    return words[spec.direction][axis == "y"]


def look(place: int) -> tuple[str, str]:
    """Colour and symbol of the set at `place`: 16 differ."""
    colours, symbols = theme.SERIES, theme.SERIES_SYMBOLS
    return colours[place % len(colours)], symbols[(place + place // len(colours)) % len(symbols)]


def _mark(one: SetPoint, place: int, at: int) -> go.Scatter:
    import plotly.graph_objects as go

    name, across, up = one.name, one.fidelity, one.privacy
    colour, symbol = look(place)
    return go.Scatter(
        x=[across.value],
        y=[up.value],
        mode="markers+text",
        text=[theme.safe(name)],
        textposition=_PLACES[place % len(_PLACES)],
        textfont={"color": theme.TEXT, "size": 12},
        customdata=[[at]],
        name=theme.safe(name),
        cliponaxis=False,
        error_x=theme.whisker(across.value, across.low, across.high, colour),
        error_y=theme.whisker(up.value, up.low, up.high, colour),
        marker={
            "symbol": symbol,
            "size": 13,
            "color": colour,
            "line": {"color": theme.BACKGROUND, "width": 1.5},
        },
        hovertemplate=f"<b>{theme.safe(name)}</b><br>{theme.safe(across.title)} {theme.number(across.value or 0)}<br>"
        f"{theme.safe(up.title)} {theme.number(up.value or 0)}<br>{across.n_synthetic} samples<extra></extra>",
    )


def _control(figure: go.Figure, one: SetPoint) -> None:
    import plotly.graph_objects as go

    across, up, mark = one.fidelity, one.privacy, theme.MARKS["held-out"]
    if across.control is None or up.control is None:
        return
    figure.add_trace(
        go.Scatter(
            x=[across.control],
            y=[up.control],
            mode="markers+text",
            text=["held-out images"],
            textposition="bottom right",
            textfont={"color": mark.colour, "size": 12},
            customdata=[[-1]],
            error_x=theme.whisker(across.control, across.control_low, across.control_high, mark.colour),
            error_y=theme.whisker(up.control, up.control_low, up.control_high, mark.colour),
            marker={"symbol": mark.symbol, "size": 14, "color": mark.colour},
            name=mark.name,
            cliponaxis=False,
            hovertemplate="Images that no generator saw<br>what an ideal set would score<extra></extra>",
        )
    )
