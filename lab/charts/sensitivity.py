"""What detectors find: the share of planted copies of each kind, with interval, one mark a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Not the colours of samples, held-out and training images: detectors are none of these.
_COLOURS = (theme.LABELS[3], theme.LABELS[4], theme.LABELS[6], theme.LABELS[5])


@dataclass(frozen=True)
class Found:
    """Share of planted copies of one kind that one detector found, with its interval."""

    kind: str
    detector: str
    value: float
    low: float
    high: float
    n: int


def sensitivity_figure(found: Sequence[Found]) -> go.Figure:
    """A row a kind, a mark a detector; colours and shapes both tell detectors apart."""
    import plotly.graph_objects as go

    if not found:
        return theme.empty("No planted copies were measured on this dataset.")
    kinds = list(dict.fromkeys(one.kind for one in found))[::-1]
    detectors = list(dict.fromkeys(one.detector for one in found))
    figure = go.Figure()
    step = 0.66 / max(1, len(detectors))
    for place, detector in enumerate(detectors):
        rows = [one for one in found if one.detector == detector]
        colour = _COLOURS[place % len(_COLOURS)]
        figure.add_trace(
            go.Scatter(
                x=[one.value for one in rows],
                y=[kinds.index(one.kind) + 0.33 - step * (place + 0.5) for one in rows],
                customdata=[[one.kind, one.low, one.high, one.n] for one in rows],
                mode="markers", name=theme.safe(detector),
                marker={"color": colour, "size": 9, "symbol": theme.SERIES_SYMBOLS[place % len(theme.SERIES_SYMBOLS)]},
                error_x={
                    "type": "data", "symmetric": False, "color": theme.tint(colour, 0.7), "thickness": 2, "width": 4,
                    "array": [one.high - one.value for one in rows],
                    "arrayminus": [one.value - one.low for one in rows],
                },
                hovertemplate=f"{theme.safe(detector)}, %{{customdata[0]}}<br>found %{{x:.0%}} "
                "(%{customdata[1]:.0%} to %{customdata[2]:.0%}) of %{customdata[3]}<extra></extra>",
            )
        )  # fmt: skip
    theme.apply(figure, 100 + 42 * len(kinds))
    figure.update_xaxes(title_text="Planted copies found", tickformat=".0%", range=(-0.03, 1.03))
    figure.update_yaxes(
        tickvals=list(range(len(kinds))),
        ticktext=[theme.safe(kind) for kind in kinds],
        range=(-0.6, len(kinds) - 0.4),
    )
    return figure


@dataclass(frozen=True)
class Beside:
    """A share with its interval, on one side of a comparison."""

    side: theme.Side
    name: str
    value: float
    low: float | None
    high: float | None


def against_null(shares: Sequence[Beside], null: float, words: str) -> go.Figure:
    """Shares with their intervals beside the value that honest data score, on an axis from 0 to 1."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, one in enumerate(shares[::-1]):
        mark = theme.MARKS[one.side]
        figure.add_trace(
            go.Scatter(
                x=[one.value], y=[place], mode="markers", name=theme.safe(one.name), showlegend=False,
                marker={"color": mark.colour, "size": 12, "symbol": mark.symbol},
                error_x=theme.whisker(one.value, one.low, one.high, mark.colour),
                hovertemplate=f"{theme.safe(one.name)}: %{{x:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    theme.apply(figure, 92 + 32 * len(shares))
    figure.update_layout(margin={"l": 10, "r": 10, "t": 26, "b": 34})
    figure.add_vline(
        x=null, line={"color": theme.TEXT, "width": 1.5, "dash": "dot"}, annotation_text=theme.safe(words),
        annotation_position="top", annotation_font={"color": theme.TEXT, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(range=(-0.02, 1.02), tickformat=".1f")
    figure.update_yaxes(
        tickvals=list(range(len(shares))), ticktext=[theme.safe(one.name) for one in shares[::-1]],
        range=(-0.6, len(shares) - 0.4),
    )  # fmt: skip
    return figure
