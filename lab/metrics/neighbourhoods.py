"""Precision, recall, density and coverage from the counts they share: who lies in whose neighbourhood."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Statistic
from lab.metrics.points import K, Points, SetPair


def precision_statistic(pair: SetPair) -> Statistic:
    """Share of samples inside at least one training image's ball."""
    return over_columns(pair, pair.synthetic, pair.around_real.counts > 0)


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
