"""Coverage: the share of training images with a sample in their neighbourhood."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.neighbourhoods import coverage_statistic
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="coverage",
        title="Coverage",
        symbol="C",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the real-to-real floor at the same number of images: 0.97 where there are as many as"
        " training images, less for fewer",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="falls with fewer samples: with a tenth as many samples as training images even real images"
        " cover only about 0.4",
        cost="all distances between and within the sets, once for precision, recall, density and coverage:"
        " about 10 s for 5,000 x 5,000 images on two cores",
        reference="Naeem et al. 2020, Reliable fidelity and diversity metrics; k = 5 as in prdc 0.2",
        definition="The share of training images that have at least one sample closer than their 5th"
        " nearest training image.",
    )
)
def coverage(comparison: Comparison) -> Measurement:
    """Share of training images whose 5-neighbour ball holds a sample; equals prdc to 1e-9."""
    return compare_sets(comparison, coverage_statistic)
