"""Xing privacy: the share of samples that are not copies, where a copy is closer than any real neighbour."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.xing import COST, NEEDED, OPTIONS, REFERENCE, measured


@metric(
    MetricSpec(
        name="xing-privacy",
        title="Privacy (Xing)",
        symbol="XP",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: honest images score only 0.2 to 0.6, more in more dimensions, never 1",
        null_line=None,
        needs=("features",),
        minimum_n=NEEDED,
        bias="its honest value depends on the number of dimensions and of images; only the difference to held-out"
        " images says anything; samples far from everything score 1",
        cost=COST,
        reference=REFERENCE,
        definition="The share of samples that no training image has closer to it than its own nearest training image.",
        options=OPTIONS,
    )
)
def xing_privacy(comparison: Comparison) -> Measurement:
    """1 - share of copies; `details` name the training image of each copy; the published table to 1e-4."""
    return measured(comparison, "xing-privacy", "privacy")
