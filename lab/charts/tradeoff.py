"""Fidelity against privacy: one mark a set, so that neither is read alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.charts.name_places import Named, name_places
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go


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
    named = [_named(one.name, one.fidelity, one.privacy) for _, one in shown]
    first = shown[0][1]
    controlled = first.fidelity.control is not None and first.privacy.control is not None
    if controlled:
        named.append(
            _named("held-out images", *(_as_control(item) for item in (first.fidelity, first.privacy)))
        )
    places = name_places(named)
    for place, (at, one) in enumerate(shown):
        figure.add_trace(_mark(one, place, at, places[place]))
    if controlled:
        _control(figure, first, _off_the_line(places[-1], first.privacy.control, privacy.null_line))
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


def _named(name: str, across: MetricResult, up: MetricResult) -> Named:
    ends = [
        (value if item.low is None else item.low, value if item.high is None else item.high)
        for item in (across, up)
        for value in (item.value or 0.0,)
    ]
    return Named(name, across.value or 0.0, up.value or 0.0, ends[0], ends[1])


def _as_control(item: MetricResult) -> MetricResult:
    return replace(item, value=item.control, low=item.control_low, high=item.control_high)


def _off_the_line(place: str, value: float | None, line: float | None) -> str:
    """The same side of the mark, but never across a null line that lies near it."""
    if line is None or value is None:
        return place
    return f"{'bottom' if value < line else 'top'} {place.split()[1]}"


def _mark(one: SetPoint, place: int, at: int, side: str) -> go.Scatter:
    import plotly.graph_objects as go

    name, across, up = one.name, one.fidelity, one.privacy
    colour, symbol = look(place)
    return go.Scatter(
        x=[across.value],
        y=[up.value],
        mode="markers+text",
        text=[theme.safe(name)],
        textposition=side,
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


def _control(figure: go.Figure, one: SetPoint, side: str) -> None:
    import plotly.graph_objects as go

    across, up, mark = one.fidelity, one.privacy, theme.MARKS["held-out"]
    figure.add_trace(
        go.Scatter(
            x=[across.control],
            y=[up.control],
            mode="markers+text",
            text=["held-out images"],
            textposition=side,
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
