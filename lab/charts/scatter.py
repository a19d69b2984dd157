"""Two metrics over several sets: one mark a set, named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.charts import theme
from lab.charts.name_places import Named, name_places
from lab.charts.tradeoff import look
from lab.metrics.spec import MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go


def scatter_figure(
    points: Sequence[tuple[str, float, float]], across: MetricSpec, up: MetricSpec, height: int = 360
) -> go.Figure:
    """Marks of (name, x, y)."""
    import plotly.graph_objects as go

    if not points:
        return theme.empty("No set has both numbers.")
    figure = go.Figure()
    places = name_places([Named(name, x, y, (x, x), (y, y)) for name, x, y in points], height=height - 90.0)
    for place, (name, x, y) in enumerate(points):
        colour, symbol = look(place)
        told = f"{theme.number(x)}, {theme.number(y)}"
        figure.add_trace(
            go.Scatter(x=[x], y=[y], mode="markers+text", name=theme.safe(name), text=[theme.safe(name)],
                       textposition=places[place], textfont={"color": theme.MUTED, "size": 11},
                       cliponaxis=False,
                       marker={"symbol": symbol, "size": 12, "color": colour},
                       hovertemplate=f"<b>{theme.safe(name)}</b><br>{told}<extra></extra>")
        )  # fmt: skip
    theme.apply(figure, height)
    figure.update_layout(showlegend=False, margin={"t": 28})
    figure.update_xaxes(title_text=theme.heading(across.title, across.arrow))
    figure.update_yaxes(title_text=theme.heading(up.title, up.arrow))
    return figure
