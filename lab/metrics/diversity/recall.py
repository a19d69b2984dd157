"""Recall: the share of training images that lie among samples."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.neighbourhoods import recall_statistic
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="recall",
        title="Recall",
        symbol="R",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: real images of the same population score below 1",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="neighbourhoods of scattered or noisy samples are large and cover much, so it can rise while"
        " variety falls: prefer coverage",
        cost="all distances between and within the sets, once for precision, recall, density and coverage:"
        " about 10 s for 5,000 x 5,000 images on two cores",
        reference="Kynkäänniemi et al. 2019, Improved precision and recall metric; k = 5 as in prdc 0.2",
        definition="The share of training images that are closer to some sample than that sample's 5th"
        " nearest sample.",
    )
)
def recall(comparison: Comparison) -> Measurement:
    """Share of training images strictly inside a sample's 5-neighbour ball; equals prdc to 1e-9."""
    return compare_sets(comparison, recall_statistic)
