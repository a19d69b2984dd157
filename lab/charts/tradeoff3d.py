"""Fidelity, variety and privacy of several sets in one turning picture; the flat pairs remain the ones to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.charts.tradeoff import look
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class SetPlace:
    """One set with three results, in the order of the axes."""

    name: str
    results: tuple[MetricResult, MetricResult, MetricResult]


def tradeoff3d_figure(sets: Sequence[SetPlace], axes: tuple[MetricSpec, MetricSpec, MetricSpec]) -> go.Figure:
    """Sets as marks in a box, the held-out images as a diamond.

    Returns:
        A figure; point customdata is (position in `sets`,), -1 for the held-out images.
    """
    import plotly.graph_objects as go

    shown = [(at, one) for at, one in enumerate(sets) if all(item.value is not None for item in one.results)]
    if not shown:
        return theme.empty("No set has all three numbers.")
    figure = go.Figure()
    for place, (at, one) in enumerate(shown):
        colour, symbol = look(place)
        place3d = {"triangle-up": "diamond-open"}.get(symbol, symbol)
        figure.add_trace(_mark(one.name, [item.value for item in one.results], colour, place3d, at))
    controls = [item.control for item in shown[0][1].results]
    if all(value is not None for value in controls):
        figure.add_trace(_mark("Held-out images", controls, theme.MARKS["held-out"].colour, "diamond", -1))
    theme.apply(figure, 520)
    scene = {
        f"{letter}axis": {
            "title": {"text": theme.safe(f"{spec.title} {spec.arrow[:1]}")},
            "backgroundcolor": theme.PANEL, "gridcolor": theme.AXIS, "showbackground": True,
            "tickfont": {"color": theme.MUTED, "size": 11},
        }
        for letter, spec in zip("xyz", axes, strict=True)
    }  # fmt: skip
    figure.update_layout(scene=scene, margin={"l": 0, "r": 0, "t": 20, "b": 0}, showlegend=True)
    return figure


def _mark(name: str, at: Sequence[float | None], colour: str, symbol: str, number: int) -> go.Scatter3d:
    import plotly.graph_objects as go

    return go.Scatter3d(
        x=[at[0]], y=[at[1]], z=[at[2]], mode="markers+text", name=theme.safe(name), text=[theme.safe(name)],
        textfont={"color": theme.TEXT, "size": 11}, customdata=[[number]],
        marker={"size": 7, "color": colour, "symbol": symbol},
        hovertemplate=f"<b>{theme.safe(name)}</b><br>%{{x:.4g}}, %{{y:.4g}}, %{{z:.4g}}<extra></extra>",
    )  # fmt: skip
