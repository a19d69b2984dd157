"""Authentic share: samples farther from their nearest training image than that image is from its own neighbour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.neighbourhoods import over_columns
from lab.metrics.points import SetPair
from lab.metrics.privacy_statistics import with_exact_ends, with_per_image
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
        " blur and collapse lower it; features of ImageNet networks miss copies with noise: try planted copies",
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
    authentic: it is no metric here. Interval: jackknife by patient group, a left-out group missing from both sets.
    """
    found = with_exact_ends(compare_sets(comparison, _statistic), comparison, 100.0)
    return with_per_image(
        found, comparison, _authentic(comparison.main)[:, 0].astype(np.float64), {"below": 0.5}
    )


def _statistic(pair: SetPair) -> Statistic:
    return over_columns(pair, pair.synthetic, 100.0 * _authentic(pair))


def _authentic(pair: SetPair) -> NDArray[np.bool_]:
    """(m, 1 + g) whether each sample is authentic, whole and with each patient group left out."""
    columns = 1 + pair.groups
    own = pair.real.nearest_other.distances[:, :columns, 0]
    distances, rows = pair.nearest.distances[:, :columns, 0], pair.nearest.rows[:, :columns, 0]
    return np.asarray(own[rows, np.arange(columns)[None, :]] < distances)
