"""The movable limit of the protocol: how many pairs and prompts lie at it or nearer to a copy, counted at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lab.charts.details import histogram_figure
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.identity_words import worth
from lab.ui.protocol_numbers import HIGH, Scores, span
from lab.ui.state import PrivacyKey as Key

DELTA = 0.5


@st.fragment
def limit(run: Run, scores: Scores, results: Sequence[MetricResult]) -> None:
    """Slider, counts and distribution; nothing is measured anew when it moves.

    Args:
        run: the measurement, for the keys.
        scores: of the chosen metric.
        results: all of the run's, for what stands beside the count.
    """
    result = next(item for item in results if item.metric == scores.metric)
    low, high = span(scores)
    start = DELTA if scores.near_high else scores.control_limit()
    if start is None:
        start = float(result.floor if result.floor is not None else (low + high) / 2)
    side = "at or above" if scores.near_high else "at or below"
    left, right = st.columns([0.66, 0.34], gap="medium")
    with left:
        at = st.slider(
            "Delta" if scores.near_high else f"{scores.title} that counts as a copy", low, high,
            min(max(start, low), high), (high - low) / 200, format="%.3f", key=f"{Key.DELTA}.{run.id}.{scores.metric}",
            persist_state="session",
            help="The published count of re-identified prompts depends on it, and the published code does not say "
            "which was used: move it and see how far the count depends on it." if scores.near_high else
            "It starts where one in twenty of the held-out controls lies below it; with fewer than 20 of them, at what "
            "two images of one patient score.",
        )  # fmt: skip
        prompts = scores.by_prompt()["extreme"].to_numpy()
        sides = {"samples": prompts.tolist(), "held_out": scores.control.tolist()}
        sides |= {"x_title": f"{scores.title}, of each prompt the most suspicious"}
        figure = histogram_figure(sides, at)
        figure.update_xaxes(range=(low - 0.02 * (high - low), high + 0.02 * (high - low)))
        st.plotly_chart(
            figure, key=f"privacy.limit.{run.id}.{scores.metric}", theme=None,
            config={"displayModeBar": False}, alt=f"{scores.title} of samples and held-out images, with the limit",
        )  # fmt: skip
    with right:
        counts(scores, prompts, at, side)
        if scores.metric == HIGH:
            told = dict(result.details.get("verification") or {})
            st.caption(f"Re-ID network: {worth(told)}.")
            if told.get("threshold") is not None:
                st.caption(
                    f"The network's own threshold, chosen on other patients, is {told['threshold']:.3f}."
                )


def counts(scores: Scores, prompts: object, at: float, side: str) -> None:
    """Pairs, prompts, and the control."""
    hits, pairs = scores.suspicious(scores.pairs, at), len(scores.pairs)
    st.metric(
        f"Pairs {side} {at:.3f}",
        f"{hits:,} of {pairs:,}",
        f"{hits / pairs:.1%}",
        delta_color="off",
        delta_arrow="off",
    )
    found, total = scores.suspicious(prompts, at), len(prompts)  # type: ignore[arg-type]
    st.metric(
        f"Prompts with a sample {side} it",
        f"{found:,} of {total:,}",
        f"{found / total:.1%}",
        delta_color="off",
        delta_arrow="off",
    )
    if len(scores.control):
        alarms, n = scores.suspicious(scores.control, at), len(scores.control)
        st.metric(
            "Held-out control, prompts", f"{alarms:,} of {n:,}", f"{alarms / n:.1%}", delta_color="off",
            delta_arrow="off",
            help="The same count with held-out images of other patients in the samples' place: what likeness gives.",
        )  # fmt: skip
