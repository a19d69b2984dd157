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
        null="1 on average for films of the same population; above 1 where samples crowd into the densest"
        " regions",
        null_line=1.0,
        needs=("features",),
        minimum_n=20,
        bias="samples near the centre of the cloud raise it, so blurred or averaged films score above real"
        " ones",
        cost="all distances between and within the sets, once for precision, recall, density and coverage: about 10 s"
        " for 5,000 x 5,000 images on two cores",
        reference="Naeem et al. 2020, Reliable fidelity and diversity metrics; k = 5 as in prdc 0.2",
        definition="How many training films' neighbourhoods a sample lies in on average, divided by 5.",
    )
)
def density(comparison: Comparison) -> Measurement:
    """Mean number of training films' 5-neighbour balls around a sample, over 5; as prdc to 1e-9."""
    return compare_sets(comparison, density_statistic)
