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
    ranges = [_range([one.results[axis] for _, one in shown]) for axis in range(3)]
    low = ranges[2][0]
    for place, (at, one) in enumerate(shown):
        colour, symbol = look(place)
        place3d = {"triangle-up": "diamond-open"}.get(symbol, symbol)
        values = [item.value for item in one.results]
        figure.add_trace(_mark(one.name, values, colour, place3d, at))
        figure.add_trace(_stem(values, low, colour))
    controls = [item.control for item in shown[0][1].results]
    if all(value is not None for value in controls):
        figure.add_trace(_mark("Held-out images", controls, theme.MARKS["held-out"].colour, "diamond", -1))
        figure.add_trace(_stem(controls, low, theme.MARKS["held-out"].colour))
    theme.apply(figure, 520)
    scene = {
        f"{letter}axis": {
            "title": {"text": theme.safe(f"{spec.title} {spec.arrow[:1]}"), "font": {"size": 12}},
            "range": ends, "gridcolor": theme.AXIS, "showbackground": False,
            "tickfont": {"color": theme.MUTED, "size": 11}, "exponentformat": "none",
        }
        for letter, spec, ends in zip("xyz", axes, ranges, strict=True)
    }  # fmt: skip
    # From further off and a little higher than usual, so that the words of the axes stay inside.
    camera = {"eye": {"x": 1.7, "y": 1.7, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.05}}
    figure.update_scenes(camera=camera, aspectmode="cube")
    figure.update_layout(scene=scene, margin={"l": 0, "r": 0, "t": 40, "b": 0}, showlegend=True)
    return figure


def _range(results: Sequence[MetricResult]) -> tuple[float, float]:
    """The ends of an axis, with room all around for the names; walls would cut them and are not drawn."""
    known = [value for one in results for value in (one.value, one.control) if value is not None]
    room = 0.2 * (max(known) - min(known)) or 0.1
    return min(known) - room, max(known) + room


def _mark(name: str, at: Sequence[float | None], colour: str, symbol: str, number: int) -> go.Scatter3d:
    import plotly.graph_objects as go

    told = ", ".join(theme.number(value or 0) for value in at)
    return go.Scatter3d(
        x=[at[0]], y=[at[1]], z=[at[2]], mode="markers+text", name=theme.safe(name), text=[theme.safe(name)],
        textfont={"color": theme.TEXT, "size": 11}, customdata=[[number]],
        marker={"size": 7, "color": colour, "symbol": symbol},
        hovertemplate=f"<b>{theme.safe(name)}</b><br>{told}<extra></extra>",
    )  # fmt: skip


def _stem(at: Sequence[float | None], low: float, colour: str) -> go.Scatter3d:
    """A thin line from a mark down to the floor: without it nobody sees how deep the mark lies."""
    import plotly.graph_objects as go

    return go.Scatter3d(
        x=[at[0], at[0]], y=[at[1], at[1]], z=[low, at[2]], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": theme.tint(colour, 0.55), "width": 3},
    )  # fmt: skip
