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
        figure.add_trace(
            _mark(
                one.name,
                one.fidelity,
                one.privacy,
                theme.SERIES[place % 4],
                theme.SERIES_SYMBOLS[place % 4],
                at,
            )
        )
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
    figure.update_xaxes(
        title_text=f"{theme.safe(fidelity.title)}  <span style='color:{theme.MUTED}'>{_way(fidelity, 'x')}</span>"
    )
    figure.update_yaxes(
        title_text=f"{theme.safe(privacy.title)}  <span style='color:{theme.MUTED}'>{_way(privacy, 'y')}</span>"
    )
    figure.update_layout(showlegend=False, margin={"t": 28})
    return figure


def _way(spec: MetricSpec, axis: str) -> str:
    words = {
        "lower": ("← better", "↓ better"),
        "higher": ("better →", "↑ better"),
        "null": ("best at the dashed line",) * 2,
    }
    return words[spec.direction][axis == "y"]


def _mark(name: str, across: MetricResult, up: MetricResult, colour: str, symbol: str, at: int) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[across.value],
        y=[up.value],
        mode="markers+text",
        text=[theme.safe(name)],
        textposition="top right",
        textfont={"color": theme.TEXT, "size": 12},
        customdata=[[at]],
        name=theme.safe(name),
        cliponaxis=False,
        error_x=_whisker(across.value, across.low, across.high, colour),
        error_y=_whisker(up.value, up.low, up.high, colour),
        marker={
            "symbol": symbol,
            "size": 13,
            "color": colour,
            "line": {"color": theme.BACKGROUND, "width": 1.5},
        },
        hovertemplate=f"<b>{theme.safe(name)}</b><br>{theme.safe(across.title)} {theme.number(across.value or 0)}<br>"
        f"{theme.safe(up.title)} {theme.number(up.value or 0)}<br>{across.n_synthetic} samples<extra></extra>",
    )


def _whisker(
    value: float | None, low: float | None, high: float | None, colour: str
) -> dict[str, object] | None:
    if value is None or low is None or high is None:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "color": theme.tint(colour, 0.6),
        "thickness": 1.5,
        "width": 4,
    }


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
            text=["held-out real images"],
            textposition="bottom right",
            textfont={"color": mark.colour, "size": 12},
            customdata=[[-1]],
            error_x=_whisker(across.control, across.control_low, across.control_high, mark.colour),
            error_y=_whisker(up.control, up.control_low, up.control_high, mark.colour),
            marker={"symbol": mark.symbol, "size": 14, "color": mark.colour},
            name=mark.name,
            cliponaxis=False,
            hovertemplate="Real images that no generator saw<br>what an ideal set would score<extra></extra>",
        )
    )
