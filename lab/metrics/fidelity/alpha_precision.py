"""Alpha-precision: whether samples fill the training cloud from its centre outwards as real images do."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.quantile_support import COST, REFERENCE, measured
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="alpha-precision",
        title="Alpha-precision",
        symbol="αP",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: close to 1 in few dimensions, below it in many",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="looks only at the distance from one centre: odd samples at the right distance pass, and sets of several"
        " clusters are judged by the space between them; copies score 1",
        cost=COST,
        reference=REFERENCE,
        definition="How closely, at each of 30 levels, the share of samples in the innermost part of the training cloud"
        " matches that part's share of training images; 1 when they agree.",
    )
)
def alpha_precision(comparison: Comparison) -> Measurement:
    """1 - sum |alpha - P_alpha| / sum alpha; the published table to 1e-4; the curve is in `details`."""
    return measured(comparison, "alpha")
