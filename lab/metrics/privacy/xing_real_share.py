"""Xing real share: samples that look real and copy nobody, `precision_privacy` in the authors' code."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.xing import COST, NEEDED, OPTIONS, REFERENCE, measured


@metric(
    MetricSpec(
        name="xing-real-share",
        title="Real and not copied (Xing)",
        symbol="XR",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: real images of the same population score about 0.3 to 0.5, never 1",
        null_line=None,
        needs=("features",),
        minimum_n=NEEDED,
        bias="0 both for copies and for samples that look like nothing real: read which of the two in the shares;"
        " its honest value moves with dimensions and number of images",
        cost=COST,
        reference=REFERENCE,
        definition="The share of samples in the neighbourhood of a training image without being closer to one than"
        " its nearest training image is.",
        options=OPTIONS,
    )
)
def xing_real_share(comparison: Comparison) -> Measurement:
    """Share of samples in the real set only (`precision_privacy`); the published table to 1e-4."""
    return measured(comparison, "xing-real-share", "real share")
