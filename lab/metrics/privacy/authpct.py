"""Authentic share: samples farther from their nearest training image than that image is from its own neighbour."""

from __future__ import annotations

import numpy as np

from lab.metrics.comparison import Comparison, Measurement, Share, compare_sets
from lab.metrics.points import SetPair
from lab.metrics.privacy_statistics import with_per_image
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "authpct"


@metric(
    MetricSpec(
        name=NAME,
        title="Authentic share (AuthPct)",
        symbol="Auth%",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=100.0,
        null="the held-out line, never 100: honest draws score about 31 in 2 dimensions and 82 in 64",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="rises with dimension and where patients have several images, whose distances to each other are small;"
        " blur and collapse lower it; features of ImageNet networks miss copies with noise: try planted copies;"
        " its interval is that of other samples beside the same training images",
        cost="all distances within the training images and from samples and held-out images to them: about 1 s for"
        " 1,000 x 1,000 images",
        reference="Alaa et al. 2022, How faithful is your synthetic data?; as AuthPct of Stein et al. 2023",
        definition="The percentage of samples whose nearest training image has another training image nearer to it than"
        " the sample is.",
    )
)  # fmt: skip
def authpct(comparison: Comparison) -> Measurement:
    """Percent of samples g with r1(T_i) < d(T_i, g) for their nearest training image T_i; as dgm-eval's to the digit.

    Synthcity's score of a similar name indexes real images by the numbers of synthetic ones and calls a collapsed set
    authentic: it is no metric here. Interval of a share, the training images as they are.
    """
    found = compare_sets(comparison, authpct_statistic)
    authentic = authpct_statistic(comparison.main).flags.astype(np.float64)
    return with_per_image(found, comparison, authentic, {"below": 0.5})


def authpct_statistic(pair: SetPair) -> Share:
    """Percent of samples that are authentic."""
    own, near = pair.real.nearest_other.first, pair.nearest
    return Share(own[near.rows[:, 0]] < near.first, pair.synthetic.patients, scale=100.0)
