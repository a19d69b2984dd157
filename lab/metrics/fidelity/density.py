"""Density: how many training neighbourhoods hold a sample."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.neighbourhoods import density_statistic
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="density",
        title="Density",
        symbol="D",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: 1 on average where each patient has one image, less where patients have several",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="samples near the centre of the cloud raise it, so blurred or averaged images score above"
        " real ones",
        cost="all distances between and within the sets, once for precision, recall, density and coverage:"
        " about 10 s for 5,000 x 5,000 images on two cores",
        reference="Naeem et al. 2020, Reliable fidelity and diversity metrics; k = 5 as in prdc 0.2",
        definition="How many training images' neighbourhoods a sample lies in on average, divided by 5.",
    )
)
def density(comparison: Comparison) -> Measurement:
    """Mean number of training images' 5-neighbour balls around a sample, over 5; as prdc to 1e-9."""
    return compare_sets(comparison, density_statistic)
