"""How well attacks tell members from non-members: ROC curves, the line of chance, and what a privacy ledger allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
FLOOR = 1e-3
_DASHES = ("solid", "dash", "dashdot", "longdash")


@dataclass(frozen=True, eq=False)
class Curve:
    """One attack: its words, corners (k,), area with interval; the control is dashed, a quiet one thin and pale."""

    name: str
    fpr: Floats
    tpr: Floats
    area: float
    low: float
    high: float
    control: bool = False
    quiet: bool = False


def roc_figure(
    curves: Sequence[Curve], bound: tuple[Floats, Floats] | None = None, log: bool = False, height: int = 400
) -> go.Figure:
    """ROC curves of attacks with the line of chance.

    Args:
        curves: attacks; controls are drawn in the control's colour.
        bound: (k,) false-positive rates and the largest true-positive rate that a ledger allows at each.
        log: both axes logarithmic from 0.001, where the low false-positive rates are that matter for privacy.
    """
    import plotly.graph_objects as go

    if not curves:
        return theme.empty("No attack has been run yet.")
    figure = go.Figure()
    if bound is not None:
        _bounded(figure, *bound)
    chance = np.geomspace(FLOOR, 1.0, 60) if log else np.array([0.0, 1.0])
    figure.add_trace(
        go.Scatter(x=chance, y=chance, mode="lines", name="Chance, area 0.5", hoverinfo="skip",
                   line={"color": theme.MUTED, "width": 1.5, "dash": "dot"})
    )  # fmt: skip
    ours = theirs = 0
    for curve in curves:
        place = theirs if curve.control else ours
        theirs, ours = theirs + curve.control, ours + (not curve.control)
        figure.add_trace(_line(curve, place, log))
    entries = len(curves) + 1 + (bound is not None)
    theme.apply(figure, height + 21 * entries)
    figure.update_layout(
        legend={"orientation": "v", "yanchor": "top", "y": -0.2, "x": 0},
        margin={"l": 76, "t": 24, "b": 66 + 21 * entries},
    )
    kind = {"type": "log", "range": [np.log10(FLOOR), 0.0]} if log else {"range": [-0.01, 1.01]}
    ticks = (
        {"tickvals": [0.001, 0.01, 0.1, 1], "ticktext": ["0.1 %", "1 %", "10 %", "100 %"]}
        if log
        else {"tickformat": ".0%"}
    )
    figure.update_xaxes(title_text="Non-members taken for members (false-positive rate)", **kind, **ticks)
    figure.update_yaxes(
        title_text="Members recognised (true-positive rate)", title_standoff=12, **kind, **ticks
    )
    return figure


def _line(curve: Curve, place: int, log: bool) -> go.Scatter:
    import plotly.graph_objects as go

    colour = (
        theme.MARKS["held-out"].colour if curve.control else theme.LABELS[(place + 1) % len(theme.LABELS)]
    )
    dash = _DASHES[(place + curve.control) % len(_DASHES)]
    words = f"{theme.safe(curve.name)}: area {curve.area:.3f} ({curve.low:.3f} to {curve.high:.3f})"
    fpr, tpr = _drawn(curve) if log else (curve.fpr, curve.tpr)
    return go.Scatter(
        x=fpr, y=tpr, mode="lines", name=words,
        line={"color": colour, "width": 1.8 if curve.control or curve.quiet else 3.0, "dash": dash},
        opacity=0.65 if curve.quiet else 1.0,
        hovertemplate=f"{theme.safe(curve.name)}<br>%{{y:.1%}} of members at %{{x:.1%}}<extra></extra>",
    )  # fmt: skip


def _drawn(curve: Curve) -> tuple[Floats, Floats]:
    """A curve for logarithmic axes: without zeros, and bent where a straight piece bends there."""
    fpr = np.unique(np.concatenate([np.geomspace(FLOOR, 1.0, 120), curve.fpr[curve.fpr >= FLOOR]]))
    # Of several rates at one false-positive rate the highest is reached.
    top: dict[float, float] = {}
    for x, y in zip(curve.fpr.tolist(), curve.tpr.tolist(), strict=True):
        top[x] = max(y, top.get(x, 0.0))
    # Between corners a curve keeps the rate of the corner before: no threshold lies there.
    known = np.array(sorted(top))
    rates = np.array([top[x] for x in known.tolist()])
    tpr = rates[np.searchsorted(known, fpr, side="right") - 1]
    return fpr, np.maximum(tpr, FLOOR / 10)


def _bounded(figure: go.Figure, fpr: Floats, tpr: Floats) -> None:
    import plotly.graph_objects as go

    figure.add_trace(
        go.Scatter(x=fpr, y=np.maximum(tpr, FLOOR / 10), mode="lines", name="No attack may lie above (privacy ledger)",
                   line={"color": theme.DANGER, "width": 2, "dash": "longdashdot"},
                   hovertemplate="at most %{y:.1%} at %{x:.1%}<extra></extra>")
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=fpr, y=np.ones(len(fpr)), mode="lines", showlegend=False, hoverinfo="skip", fill="tonexty",
                   fillcolor=theme.tint(theme.DANGER, 0.08), line={"width": 0})
    )  # fmt: skip
