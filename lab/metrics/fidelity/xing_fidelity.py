"""Xing fidelity: the share of samples inside the neighbourhood of a training image."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.xing import COST, NEEDED, OPTIONS, REFERENCE, measured


@metric(
    MetricSpec(
        name="xing-fidelity",
        title="Fidelity (Xing)",
        symbol="XF",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: real images of the same population score below 1, often 0.6 to 0.95",
        null_line=None,
        needs=("features",),
        minimum_n=NEEDED,
        bias="copies count as faithful: a set of nothing but copies scores 1, so read it beside the privacy of the"
        " same authors; rises with the number of training images",
        cost=COST,
        reference=REFERENCE,
        definition="The share of samples that are copies or real: closer to some training image than its 5th"
        " nearest training image.",
        options=OPTIONS,
    )
)
def xing_fidelity(comparison: Comparison) -> Measurement:
    """Share of samples in the copy or the real set; the published table to 1e-4, precision at equal k to 1e-12."""
    return measured(comparison, "xing-fidelity", "fidelity")
