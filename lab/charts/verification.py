"""How well a network tells patients apart: its scores of both kinds of pairs, and the curve they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.charts import theme
from lab.charts.roc import Curve, Floats, roc_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 330
# Neither samples nor training images: colours of their own.
SAME, OTHER = theme.LABELS[3], theme.LABELS[7]
_PAIRS = {
    "patient": ("Two images of one patient", "Images of two patients"),
    "copy": ("An image and its altered copy", "Two different images"),
}


def scores_figure(told: Mapping[str, Any], question: str = "patient") -> go.Figure:
    """Shares of pairs by score, with the threshold that decides.

    Args:
        told: a card's verification: "histogram" of 20 counts each for "same" and "other", "threshold".
        question: "patient" or "copy".
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, side, colour, dash in (
        (_PAIRS[question][1], "other", OTHER, "dash"),
        (_PAIRS[question][0], "same", SAME, "solid"),
    ):
        counts = np.asarray(told["histogram"][side], dtype=np.float64)
        width = 1.0 / len(counts)
        figure.add_trace(
            go.Scatter(
                x=np.arange(len(counts)) * width + width / 2, y=counts / max(1.0, counts.sum()), mode="lines",
                line={"shape": "hvh", "color": colour, "dash": dash, "width": 2}, fill="tozeroy",
                fillcolor=theme.tint(colour, 0.18), name=f"{name} (n {int(counts.sum()):,})",
                hovertemplate="%{y:.1%} near a score of %{x:.2f}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_vline(
        x=float(told["threshold"]), line={"color": theme.TEXT, "width": 1.5, "dash": "dot"},
        annotation_text=f"threshold {told['threshold']:.2f}", annotation_position="top right",
        annotation_font={"color": theme.TEXT, "size": 12},
    )  # fmt: skip
    theme.apply(figure, HEIGHT)
    figure.update_xaxes(title_text="Score of the network", range=(0, 1))
    figure.update_yaxes(title_text="Share of pairs", tickformat=".0%", rangemode="tozero")
    return figure


def verification_curve(told: Mapping[str, Any]) -> go.Figure:
    """The ROC curve of verification; from the histogram where a card holds no corners."""
    fpr, tpr = corners(told)
    area = float(told["auc"])
    low, high = (area if told.get(end) is None else float(told[end]) for end in ("low", "high"))
    figure = roc_figure([Curve("Verification", fpr, tpr, area, low, high)])
    # Beside the distribution of scores: as high as it, the legend above as there.
    figure.update_layout(
        height=HEIGHT, margin={"l": 60, "r": 24, "t": 64, "b": 52},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "traceorder": "reversed"},
    )  # fmt: skip
    figure.update_xaxes(title_text="Pairs of two taken for one (false-positive rate)")
    figure.update_yaxes(title_text="Pairs of one recognised")
    return figure


def corners(told: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """False-positive and true-positive rates, (k,) each, from 0 to 1."""
    if told.get("roc"):
        return (
            np.asarray(told["roc"]["false_positive"], dtype=np.float64),
            np.asarray(told["roc"]["true_positive"], dtype=np.float64),
        )
    rates = []
    for side in ("other", "same"):
        counts = np.asarray(told["histogram"][side], dtype=np.float64)[::-1]
        rates.append(np.concatenate([[0.0], np.cumsum(counts) / max(1.0, counts.sum())]))
    return rates[0], rates[1]
