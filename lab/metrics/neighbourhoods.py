"""Precision, recall, density and coverage from the counts they share: who lies in whose neighbourhood.

Whether a sample lies among training images depends on that sample alone once the training images are given, so
precision has the interval of a share. Recall, coverage and density keep the jackknife over patients of both sets:
whether a training image is recalled or covered depends on all samples together, so the flags of training images
do not vary one by one. Simulated with 200 patients a side, the interval of a share held recall in 28 to 97 and coverage
in 82 to 95 of 100 sets, the jackknife in 87 to 100 and 98 to 100.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Share, Statistic
from lab.metrics.points import K, Points, SetPair


def precision_statistic(pair: SetPair) -> Share:
    """Share of samples inside at least one training image's ball."""
    return Share(pair.around_real.counts[:, 0] > 0, pair.synthetic.patients)


def recall_statistic(pair: SetPair) -> Statistic:
    """Share of training images inside at least one sample's ball."""
    return over_columns(pair, pair.real, pair.around_synthetic.counts > 0)


def density_statistic(pair: SetPair) -> Statistic:
    """Mean number of training images' balls around a sample, over k."""
    return over_columns(pair, pair.synthetic, pair.around_real.counts / K)


def coverage_statistic(pair: SetPair) -> Statistic:
    """Share of training images whose ball holds at least one sample."""
    return over_columns(pair, pair.real, pair.around_real.covered)


def over_columns(pair: SetPair, points: Points, values: NDArray[Any]) -> Statistic:
    """Mean of the (n, 1 + g) values of a side; in column j only points that stay without group j - 1 count."""
    means = [float(values[pair.kept(points, at), at].mean()) for at in range(values.shape[1])]
    return Statistic(means[0], np.asarray(means[1:]))
