"""How a training goes: the loss of each stage by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go


def loss_figure(
    losses: Mapping[str, Sequence[tuple[int, float]]], logarithmic: bool = False, height: int = 340
) -> go.Figure:
    """One line a stage.

    Args:
        losses: stage to (step, loss), in the order of the steps.
        logarithmic: draw the loss on a logarithmic axis; values of 0 and below are left out there.
    """
    import plotly.graph_objects as go

    shown = {
        stage: [(step, loss) for step, loss in points if loss > 0 or not logarithmic]
        for stage, points in losses.items()
    }
    shown = {stage: points for stage, points in shown.items() if points}
    if not shown:
        return theme.empty("The first losses come with the first steps.", height)
    figure = go.Figure()
    for place, (stage, points) in enumerate(shown.items()):
        figure.add_trace(
            go.Scatter(
                x=[step for step, _ in points], y=[loss for _, loss in points], name=theme.safe(stage),
                mode="lines" if len(points) > 1 else "markers",
                line={"color": theme.LABELS[place % len(theme.LABELS)], "width": 2},
                hovertemplate=f"step %{{x:,}}<br>loss %{{y:{theme.DIGITS}}}<extra>%{{fullData.name}}</extra>",
            )
        )  # fmt: skip
    theme.apply(figure, height)
    figure.update_xaxes(title="Step", gridcolor=theme.GRID, linecolor=theme.AXIS, rangemode="tozero")
    figure.update_yaxes(
        title="Loss", gridcolor=theme.GRID, linecolor=theme.AXIS, type="log" if logarithmic else "linear"
    )
    if len(shown) > 1:
        figure.update_layout(showlegend=True)
    else:
        # Without a legend nothing stands above the plot.
        figure.update_layout(showlegend=False, margin={"t": 16})
    return figure
