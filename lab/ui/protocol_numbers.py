"""The numbers of a protocol run by pair and by prompt: mean, highest and lowest over seeds. Pure arrays and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.charts.theme import number
from lab.metrics.result import MetricResult

ALLOWED, FEWEST = 0.05, 20
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
HIGH = "re-identification"
"""The one metric of the protocol whose high values are suspicious; of the distances the low ones are."""


@dataclass(frozen=True, eq=False)
class Scores:
    """One metric of the protocol.

    Attributes:
        metric, title: its name and words.
        pairs: (n,) score of each sample with the image of its prompt.
        samples, own: (n,) row of the sample, and of that training image.
        control: (p,) of each prompt the most suspicious of held-out images in the samples' place; empty without any.
        near_high: whether a copy scores high.
    """

    metric: str
    title: str
    pairs: Floats
    samples: Rows
    own: Rows
    control: Floats
    near_high: bool

    def suspicious(self, values: Floats, limit: float) -> int:
        """How many values lie at the limit or nearer to a copy."""
        return int(np.sum(values >= limit) if self.near_high else np.sum(values <= limit))

    def control_limit(self) -> float | None:
        """Where at most one in twenty of the controls lies nearer to a copy; None with fewer than 20 of them."""
        if len(self.control) < FEWEST:
            return None
        ranked = np.sort(-self.control if self.near_high else self.control)
        allowed = int(ALLOWED * len(ranked))
        between = float(ranked[allowed - 1 : allowed + 1].mean())
        return -between if self.near_high else between

    def order(self) -> Rows:
        """Rows of the pairs, the most suspicious first."""
        return np.argsort(-self.pairs if self.near_high else self.pairs, kind="stable")

    def by_prompt(self) -> pd.DataFrame:
        """A row a prompt, by "own": "mean", "highest" and "lowest" over seeds, and "extreme", the most suspicious."""
        frame = pd.DataFrame({"own": self.own, "score": self.pairs}).groupby("own")["score"]
        found = frame.agg(["mean", "max", "min"]).rename(columns={"max": "highest", "min": "lowest"})
        return found.assign(extreme=found["highest" if self.near_high else "lowest"]).reset_index()


def scores_of(result: MetricResult, kept: Floats | None, sources: Rows) -> Scores | None:
    """The scores behind a result; None where it has no number or its scores were not kept.

    Args:
        kept: (m,) one score a sample.
        sources: (m,) row of the training image each sample belongs to.
    """
    if result.value is None or kept is None or len(kept) != len(sources):
        return None
    rows = np.flatnonzero(sources >= 0)
    control = (result.details.get("histogram") or {}).get("held_out") or []
    return Scores(
        result.metric, result.title, kept[rows], rows, sources[rows], np.asarray(control, dtype=np.float64),
        result.metric == HIGH,
    )  # fmt: skip


def summary(results: Sequence[MetricResult], scores: Mapping[str, Scores]) -> pd.DataFrame:
    """A row a metric: over prompts the mean of the mean, highest and lowest over seeds, and what stands beside it."""
    rows = []
    for item in results:
        row: dict[str, Any] = {
            "Measure": item.title,
            "Copies score": "high" if item.metric == HIGH else "low",
        }
        row |= {"Mean": item.value, "95 % interval": _interval(item)}
        if (found := scores.get(item.metric)) is not None:
            prompts = found.by_prompt()
            row |= {"Highest": float(prompts["highest"].mean()), "Lowest": float(prompts["lowest"].mean())}
            row["Most suspicious"] = float(found.pairs[found.order()[0]])
        rows.append(row | {"Held-out control": item.control, "Same patient": item.floor})
    return pd.DataFrame(rows)


def _interval(item: MetricResult) -> str:
    if item.low is None or item.high is None:
        return "none"
    return f"{number(item.low)} to {number(item.high)}"


def span(scores: Scores) -> tuple[float, float]:
    """Ends of the slider: 0 to 1 for a chance, else what was measured."""
    if scores.near_high:
        return 0.0, 1.0
    values = np.concatenate([scores.pairs, scores.control])
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)
