"""Spread of features at several resolutions and in several feature spaces (Xing et al.)."""

from __future__ import annotations

import numpy as np

from lab.metrics.comparison import Comparison, Measurement, Statistic
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.resolutions import LARGEST, Cell, compare_cells
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="mm-std",
        title="Feature spread over resolutions",
        symbol="MM-STD",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: the spread of held-out images",
        null_line=None,
        needs=("features", "resolutions"),
        minimum_n=20,
        bias="too small with few images, by half of 1/n; noise raises it, so a noisy set looks varied",
        cost="eight passes through the extractors instead of one, shared with the distance over resolutions",
        reference="Xing et al. 2023, You don't have to be perfect to be amazing: unveil the utility of synthetic"
        " images",
        definition="The mean standard deviation of the samples' features at four picture sizes in two feature spaces.",
        options=(LARGEST,),
    )
)
def mm_std(comparison: Comparison) -> Measurement:
    """Mean over cells and dimensions of the standard deviation of features of length 1; as NumPy's `std` to 1e-12."""
    return compare_cells(comparison, _statistic, "STD")


def _statistic(pair: SetPair, cell: Cell) -> Statistic:
    points = pair.synthetic
    return Statistic(float(points.features.std(axis=0).mean()), _without_groups(points, pair.groups))


def _without_groups(points: Points, count: int) -> np.ndarray:
    if not count or points.groups is None:
        return np.empty(0)
    left = [points.features[points.groups != group].std(axis=0).mean() for group in range(count)]
    return np.asarray(left)
