"""A threshold that a person moves: how many scores lie beyond it, counted at once, beside the held-out control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.charts.details import histogram_figure
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.state import MetricsKey as Key

Floats = NDArray[np.float64]


def limit_of(details: Mapping[str, Any]) -> dict[str, Any] | None:
    """The movable threshold that details offer: their own, or the rule by which a metric flags scores; None without.

    Args:
        details: "threshold" as `limit` takes it, or "rule" ({"above": t} or {"below": t}) beside a "histogram".
    """
    own, rule, sides = details.get("threshold"), details.get("rule"), details.get("histogram")
    if isinstance(own, Mapping) and own.get("scores"):
        return dict(own)
    if not isinstance(rule, Mapping) or not isinstance(sides, Mapping) or not sides.get("samples"):
        return None
    below = "below" in rule
    told = {"scores": sides["samples"], "title": sides.get("x_title", "Threshold"), "below": below}
    told |= {"control": sides["held_out"]} if sides.get("held_out") else {}
    return told | {"default": float(rule["below" if below else "above"])}


@st.fragment
def limit(run: Run, result: MetricResult, told: Mapping[str, Any]) -> None:
    """A slider over scores with its count; nothing is computed anew.

    Args:
        run: for the key.
        result: whose scores they are.
        told: "scores", "title", "low", "high", "default", and where they are known "control" scores and "below"
            (True where a score below the threshold is flagged).
    """
    scores = _clean(told.get("scores", []))
    if not len(scores):
        st.caption("No score was kept for this metric.")
        return
    control = _clean(told.get("control", []))
    everything = np.concatenate([scores, control])
    low, high = float(told.get("low", everything.min())), float(told.get("high", everything.max()))
    if not low < high:
        low, high = low - 0.5, high + 0.5
    start = min(max(float(told.get("default", (low + high) / 2)), low), high)
    title = plain(str(told.get("title", "Threshold")))
    below = bool(told.get("below", False))
    at = st.slider(
        title, low, high, start, (high - low) / 200, format="%.3f", key=f"{Key.DELTA}.{run.id}.{result.metric}",
        help="Moves the threshold; the count follows without computing anything anew.",
    )  # fmt: skip
    columns = st.columns(3)
    hits = beyond(scores, at, below)
    columns[0].metric("Below" if below else "Above", f"{hits:,} of {len(scores):,}")
    columns[1].metric("Share", f"{hits / len(scores):.1%}")
    if len(control):
        alarms = beyond(control, at, below)
        columns[2].metric(
            "Held-out control",
            f"{alarms / len(control):.1%}",
            help=f"{alarms:,} of {len(control):,} held-out images",
        )
    sides = {"samples": scores.tolist(), "held_out": control.tolist(), "x_title": str(told.get("title", ""))}
    st.plotly_chart(
        histogram_figure(sides, at), key=f"metrics.limit.{run.id}.{result.metric}", theme=None,
        config={"displayModeBar": False}, alt=f"Scores of {result.title} with the threshold",
    )  # fmt: skip


def beyond(scores: Floats, at: float, below: bool) -> int:
    """How many of (n,) scores a threshold flags: those above it, or below."""
    return int(np.sum(scores < at) if below else np.sum(scores > at))


def _clean(values: Any) -> Floats:
    found = np.asarray([value for value in values if value is not None], dtype=np.float64)
    return found[np.isfinite(found)]
