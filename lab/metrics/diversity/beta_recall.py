"""Beta-recall: whether every part of the training cloud has samples as near as real images are."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.quantile_support import COST, REFERENCE, measured
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="beta-recall",
        title="Beta-recall",
        symbol="βR",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: about 0.5 for as many real images as training images, not 1",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="only copies of the whole training set reach 1; like recall it can rise while variety falls, as when"
        " samples draw a little towards the centre: prefer coverage; falls with fewer samples than training images",
        cost=COST,
        reference=REFERENCE,
        definition="How closely, at each of 30 levels, the share of training images with a typical sample at least as"
        " near as their nearest training image matches the level; 1 when they agree.",
    )
)
def beta_recall(comparison: Comparison) -> Measurement:
    """1 - sum |beta - R_beta| / sum beta; the published table to 1e-4; the curve is in `details`."""
    return measured(comparison, "beta")
