"""How near is near: distances to the nearest training image of samples, held-out images and training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme
from lab.charts.theme import Side

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.floating]
_WORDS: dict[Side, str] = {
    "sample": "Samples",
    "held-out": "Held-out images (control)",
    "train": "Training images, to another patient",
}
_RUG = 400


def distance_figure(
    samples: Floats,
    held_out: Floats,
    training: Floats,
    threshold: float,
    unit: str,
    marked: float | None = None,
    height: int = 420,
) -> go.Figure:
    """Three overlaid distributions with the near-copy threshold and what lies below it.

    Args:
        samples: (m,) distance of each sample to its nearest training image.
        held_out: (h,) the same for held-out images: what honest new images score.
        training: (n,) distance of each training image to the nearest one of another patient.
        threshold: distances up to this count as near-copies.
        unit: name of the distance, for the axis.
        marked: distance of one sample to point out.

    Returns:
        A figure; each tick under the axis is one sample, its customdata the sample's row.
    """
    import plotly.graph_objects as go

    sides: dict[Side, Floats] = {"train": training, "held-out": held_out, "sample": samples}
    known = {side: np.asarray(values, dtype=np.float64) for side, values in sides.items()}
    known = {side: values[np.isfinite(values)] for side, values in known.items()}
    if not any(len(values) for values in known.values()):
        return theme.empty("No distances to draw yet.")
    edges = _edges(np.concatenate([*known.values(), [threshold]]))
    figure, tallest = go.Figure(), 0.0
    for side, values in known.items():
        if len(values):
            share = np.histogram(values, edges)[0] / len(values)
            tallest = max(tallest, float(share.max()))
            figure.add_trace(_outline(side, edges, share, values, threshold))
    if 0 < len(known["sample"]) <= _RUG:
        figure.add_trace(_rug(np.asarray(samples, dtype=np.float64), -0.045 * tallest))
    theme.apply(figure, height)
    theme.near_copies(figure, float(edges[0]), threshold)
    if marked is not None:
        _point_out(figure, marked, left=marked > threshold)
    figure.update_xaxes(
        title_text=f"Distance to the nearest training image ({theme.safe(unit)})", range=(edges[0], edges[-1])
    )
    figure.update_yaxes(
        title_text="Share of images",
        tickformat=".0%",
        range=(-0.09 * tallest, 1.12 * tallest),
        rangemode="normal",
    )
    return figure


def _point_out(figure: go.Figure, marked: float, left: bool) -> None:
    figure.add_vline(
        x=marked,
        line={"color": theme.TEXT, "width": 1.5},
        annotation_text="this sample",
        annotation_position="top left" if left else "top right",
        annotation_yshift=-26,
        annotation_bgcolor=theme.tint(theme.BACKGROUND, 0.7),
        annotation_font={"color": theme.TEXT, "size": 12},
    )


def _edges(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    room = 0.02 * (high - low) or 0.01
    return np.linspace(max(0.0, low - room) if low >= 0 else low - room, high + room, 49)


def _outline(side: Side, edges: Floats, share: Floats, values: Floats, threshold: float) -> go.Scatter:
    import plotly.graph_objects as go

    mark = theme.MARKS[side]
    below = int((values <= threshold).sum())
    name = f"{_WORDS[side]}: {below} of {len(values)} within ({below / len(values):.1%})"
    return go.Scatter(
        x=np.repeat(edges, 2)[1:-1],
        y=np.repeat(share, 2),
        mode="lines",
        name=name,
        line={"color": mark.colour, "width": 2.4 if side == "sample" else 1.8, "dash": mark.dash},
        fill="tozeroy",
        fillcolor=theme.tint(mark.colour, 0.20 if side == "sample" else 0.08),
        hovertemplate=f"{_WORDS[side]}<br>%{{y:.1%}} near %{{x:{theme.DIGITS}}}<extra></extra>",
    )


def _rug(samples: Floats, height: float) -> go.Scatter:
    import plotly.graph_objects as go

    mark = theme.MARKS["sample"]
    rows = np.flatnonzero(np.isfinite(samples))
    return go.Scatter(
        x=samples[rows],
        y=np.full(len(rows), height),
        mode="markers",
        showlegend=False,
        customdata=rows[:, None],
        marker={
            "symbol": "line-ns-open",
            "size": 9,
            "color": theme.tint(mark.colour, 0.8),
            "line": {"width": 1.5},
        },
        hovertemplate=f"Sample %{{customdata[0]}}: %{{x:{theme.DIGITS}}}<extra></extra>",
    )
