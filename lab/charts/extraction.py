"""How near samples come to one film: a row a prompt, a mark a seed, with the near-copy threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_STYLES = {
    "asked": theme.MARKS["sample"],
    "control": theme.Mark("Well-trained generator", theme.SERIES[1], "square", "dot"),
    "held-out": theme.MARKS["held-out"],
    "once": theme.MARKS["train"],
    "without": theme.Mark("Without a phrase", theme.SERIES[2], "circle", "solid"),
}
_ROW, _SPREAD = 64, 0.28


@dataclass(frozen=True)
class Row:
    """One prompt.

    Attributes:
        label: what stands beside it.
        role: "asked", "control", "held-out", "once" or "without": its shape and colour.
        values: distance of each seed's sample to the film.
        hovers: words for each seed.
        middle, low, high: median with its interval, in the unit of the values; None where there is none.
    """

    label: str
    role: str
    values: Sequence[float]
    hovers: Sequence[str]
    middle: float | None = None
    low: float | None = None
    high: float | None = None


def strip_figure(
    rows: Sequence[Row],
    limit: float | None,
    unit: str,
    baseline: float | None = None,
    height: int | None = None,
) -> go.Figure:
    """One row a prompt, first on top; a thick line marks the median, its whiskers the interval.

    Args:
        rows: what to draw.
        limit: distances up to this are near-copies; None where the detector cannot tell.
        unit: name of the distance, for the axis.
        baseline: a median to compare all others with, as a dashed line.

    Returns:
        A figure; point customdata is (row, seed's position).
    """
    import plotly.graph_objects as go

    if not any(len(row.values) for row in rows):
        return theme.empty("No samples to draw yet.")
    figure = go.Figure()
    for at, row in enumerate(rows):
        place = len(rows) - 1 - at
        figure.add_trace(_marks(row, at, place))
        if row.middle is not None:
            figure.add_trace(_middle(row, place))
    theme.apply(figure, height or 120 + _ROW * len(rows))
    top = max(max(row.values) for row in rows if len(row.values))
    if limit is not None:
        theme.near_copies(figure, 0.0, limit, "top")
        top = max(top, limit)
    if baseline is not None:
        figure.add_vline(x=baseline, line={"color": theme.TEXT, "width": 1.2, "dash": "dash"}, layer="below")
    ticks = [_wrapped(row.label) for row in rows][::-1]
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=ticks, range=(-0.6, len(rows) - 0.4), showgrid=False
    )
    figure.update_yaxes(tickfont={"color": theme.TEXT, "size": 13})
    figure.update_xaxes(title_text=f"Distance to the film ({theme.safe(unit)})", range=(0, 1.06 * top))
    figure.update_layout(showlegend=False, margin={"t": 34})
    return figure


def spread_out(values: Sequence[float]) -> NDArray[np.float64]:
    """Offsets (n,) from the middle of a row, so that close values do not hide each other: within -1..1."""
    numbers = np.asarray(values, dtype=np.float64)
    offsets = np.zeros(len(numbers))
    if len(numbers) < 2:
        return offsets
    reach = max(float(np.ptp(numbers)), 1e-9) / 24
    order = np.argsort(numbers, kind="stable")
    for rank, at in enumerate(order):
        crowd = int((np.abs(numbers[order[:rank]] - numbers[at]) < reach).sum())
        offsets[at] = ((crowd + 1) // 2) * (1 if crowd % 2 else -1)
    widest = np.abs(offsets).max()
    return offsets / max(widest, 4.0)


def _marks(row: Row, at: int, place: int) -> go.Scatter:
    import plotly.graph_objects as go

    mark = _STYLES.get(row.role, _STYLES["without"])
    return go.Scatter(
        x=list(row.values),
        y=place + _SPREAD * spread_out(row.values),
        mode="markers",
        name=theme.safe(row.label),
        customdata=[[at, seed] for seed in range(len(row.values))],
        text=[theme.safe(words) for words in row.hovers],
        marker={
            "symbol": mark.symbol,
            "size": 9,
            "color": theme.tint(mark.colour, 0.8),
            "line": {"color": theme.BACKGROUND, "width": 0.8},
        },
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _middle(row: Row, place: int) -> go.Scatter:
    import plotly.graph_objects as go

    mark = _STYLES.get(row.role, _STYLES["without"])
    return go.Scatter(
        x=[row.middle],
        y=[place],
        mode="markers",
        error_x=theme.whisker(row.middle, row.low, row.high, theme.TEXT),
        marker={"symbol": "line-ns-open", "size": 26, "color": mark.colour, "line": {"width": 3}},
        hovertemplate=f"<b>{theme.safe(row.label)}</b><br>median {theme.number(row.middle or 0)}<extra></extra>",
    )


def _wrapped(text: str, width: int = 34) -> str:
    """A label on a few lines; its own line breaks are kept."""
    import textwrap

    lines = [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(part, width, max_lines=2, placeholder=" …")
    ]
    return "<br>".join(theme.safe(line) for line in lines)


@dataclass(frozen=True)
class Cluster:
    """Samples of one prompt on the map: label, role and places (n, 2)."""

    label: str
    role: str
    points: Sequence[Sequence[float]]


def cluster_figure(
    background: NDArray[np.floating], clusters: Sequence[Cluster], films: Sequence[tuple[str, Sequence[float]]],
    height: int = 420,
) -> go.Figure:  # fmt: skip
    """Samples among the training images on the map: a tight cluster that sits on a film is the sign of extraction.

    Args:
        background: (n, 2) places of training images.
        clusters: samples by prompt.
        films: the films that were asked for: words and place.
    """
    import plotly.graph_objects as go

    train = theme.MARKS["train"]
    figure = go.Figure(
        go.Scattergl(
            x=background[:, 0], y=background[:, 1], mode="markers", name=train.name, hoverinfo="skip",
            marker={"symbol": train.symbol, "size": 4, "color": theme.tint(train.colour, 0.3)},
        )
    )  # fmt: skip
    for cluster in clusters:
        mark = _STYLES.get(cluster.role, _STYLES["without"])
        points = np.asarray(cluster.points, dtype=np.float64).reshape(-1, 2)
        figure.add_trace(
            go.Scatter(
                x=points[:, 0], y=points[:, 1], mode="markers", name=theme.safe(cluster.label),
                marker={"symbol": mark.symbol, "size": 11, "color": theme.tint(mark.colour, 0.85),
                        "line": {"color": theme.BACKGROUND, "width": 1}},
                hovertemplate=f"{theme.safe(cluster.label)}<extra></extra>",
            )
        )  # fmt: skip
    for words, place in films:
        figure.add_trace(
            go.Scatter(
                x=[place[0]], y=[place[1]], mode="markers", name=theme.safe(words),
                marker={"symbol": "circle-open", "size": 24, "color": theme.TEXT, "line": {"width": 2.5}},
                hovertemplate=f"{theme.safe(words)}<extra></extra>",
            )
        )  # fmt: skip
    theme.apply(figure, height)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    figure.update_layout(margin={"l": 8, "r": 8, "b": 8, "t": 96})
    return figure
