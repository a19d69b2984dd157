"""Over-training as it happens: distance of the samples to the films that are learnt, and to the control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Moment:
    """One look at the samples.

    Attributes:
        step: training steps taken.
        own: distance of each sample to the film whose caption was asked.
        control: distance of each sample to the nearest held-out film.
    """

    step: int
    own: Sequence[float]
    control: Sequence[float]


def overtraining_figure(
    moments: Sequence[Moment], limit: float | None, controls: int, steps: int, height: int = 380
) -> go.Figure:
    """Thick lines are medians, thin ones single films; below the threshold a sample is a near-copy.

    Args:
        moments: in order of steps; the figure grows with them.
        limit: distances up to this are near-copies.
        controls: held-out films that are searched.
        steps: in all, so that the axis does not move while the curve grows.
    """
    import plotly.graph_objects as go

    if not moments:
        return theme.empty("The first samples are being drawn.", height)
    at = [moment.step for moment in moments]
    figure = go.Figure()
    own, held = theme.MARKS["sample"], theme.MARKS["held-out"]
    figure.add_traces(_single_films(moments, own.colour))
    lines = (
        (held, f"To the nearest of {controls} held-out films (control)", [m.control for m in moments]),
        (own, "To the film that was asked for", [m.own for m in moments]),
    )
    for mark, name, values in lines:
        figure.add_trace(
            go.Scatter(
                x=at, y=[float(np.median(one)) for one in values], mode="lines+markers", name=name,
                line={"color": mark.colour, "width": 3, "dash": mark.dash},
                marker={"symbol": mark.symbol, "size": 10, "color": mark.colour},
                hovertemplate="median %{y:.3f} after %{x} steps<extra></extra>",
            )
        )  # fmt: skip
    theme.apply(figure, height)
    top = max(max(moment.own) for moment in moments)
    if limit is not None:
        figure.add_hrect(y0=0, y1=limit, fillcolor=theme.DANGER, opacity=0.09, line_width=0, layer="below")
        figure.add_hline(
            y=limit, line={"color": theme.DANGER, "width": 2}, annotation_text="near-copy below this line",
            annotation_position="bottom left", annotation_font={"color": theme.DANGER, "size": 13},
        )  # fmt: skip
    figure.update_xaxes(title_text="Training steps on these films", range=(-0.02 * steps, 1.02 * steps))
    figure.update_yaxes(title_text="Distance (registered correlation)", range=(0, 1.05 * top))
    return figure


def _single_films(moments: Sequence[Moment], colour: str) -> list[go.Scatter]:
    """One thin line a film."""
    import plotly.graph_objects as go

    return [
        go.Scatter(
            x=[moment.step for moment in moments],
            y=[moment.own[film] for moment in moments],
            mode="lines",
            showlegend=False,
            line={"color": theme.tint(colour, 0.28), "width": 1.2},
            hovertemplate=f"film {film + 1}: %{{y:.3f}} after %{{x}} steps<extra></extra>",
        )
        for film in range(len(moments[0].own))
    ]
