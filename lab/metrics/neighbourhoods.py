"""Precision, recall, density and coverage from the counts they share: who lies in whose neighbourhood."""

from __future__ import annotations

import numpy as np

from lab.metrics.comparison import Statistic
from lab.metrics.points import Balls, K, Points, SetPair


def precision_statistic(pair: SetPair) -> Statistic:
    """Share of samples inside at least one training image's ball."""
    return _share_inside(pair, pair.synthetic, pair.around_real)


def recall_statistic(pair: SetPair) -> Statistic:
    """Share of training images inside at least one sample's ball."""
    return _share_inside(pair, pair.real, pair.around_synthetic)


def density_statistic(pair: SetPair) -> Statistic:
    """Mean number of training images' balls around a sample, over k."""
    counts = pair.around_real.counts
    return _over_columns(
        [
            float(counts[pair.kept(pair.synthetic, column), column].mean()) / K
            for column in range(counts.shape[1])
        ]
    )


def coverage_statistic(pair: SetPair) -> Statistic:
    """Share of training images whose ball holds at least one sample."""
    covered = pair.around_real.covered
    return _over_columns(
        [float(covered[pair.kept(pair.real, column), column].mean()) for column in range(covered.shape[1])]
    )


def _share_inside(pair: SetPair, points: Points, balls: Balls) -> Statistic:
    counts = balls.counts
    return _over_columns(
        [float((counts[pair.kept(points, column), column] > 0).mean()) for column in range(counts.shape[1])]
    )


def _over_columns(values: list[float]) -> Statistic:
    return Statistic(values[0], np.asarray(values[1:]))
