"""Energy distance: twice the mean distance between the sets less the mean distances within them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.left_out import distance_blocks
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name="energy-distance",
        title="Energy distance",
        symbol="ED",
        axis="fidelity",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="0 on average for images of the same population, at any number of images; single values fall on both"
        " sides of 0",
        null_line=0.0,
        needs=("features",),
        minimum_n=10,
        bias="none from sample size; in the units of the features, so compare within one extractor; copies improve it",
        cost="all distances between and within the sets: about 5 s for 5,000 x 5,000 images",
        reference="Székely and Rizzo 2013, Energy statistics; unbiased form",
        definition="How much farther samples and training images lie from each other than from their own kind; 0 when"
        " they cannot be told apart.",
    )
)
def energy_distance(comparison: Comparison) -> Measurement:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, a point never paired with itself; 1e-6 relative against a direct sum."""
    real = comparison.real
    within = distance_sums(real, real, real.group_count)
    return compare_sets(
        comparison, lambda pair: energy_statistic(pair, within if pair.real is real else None)
    )


def energy_statistic(pair: SetPair, within_real: Floats | None = None) -> Statistic:
    """The distance of two sets, and with each patient group left out of both.

    Args:
        within_real: `distance_sums` of the training images with themselves, where it is known already.
    """
    groups = pair.groups
    if within_real is None or len(within_real) != max(1, groups):
        within_real = distance_sums(pair.real, pair.real, groups)
    tables = (
        within_real,
        distance_sums(pair.synthetic, pair.synthetic, groups),
        distance_sums(*_sides(pair), groups),
    )
    n, m = _sizes(pair.real, groups), _sizes(pair.synthetic, groups)
    totals = [float(table.sum()) for table in tables]
    value = _unbiased(totals, n.sum(), m.sum())
    left = [
        _unbiased(
            [total - float(_part(table, g)) for total, table in zip(totals, tables, strict=True)],
            n.sum() - n[g],
            m.sum() - m[g],
        )
        for g in range(groups)
    ]
    return Statistic(value, np.asarray(left))


def distance_sums(a: Points, b: Points, groups: int) -> Floats:
    """(g, g) sums of Euclidean distances between the patient groups of two sets; one table cell without groups."""
    width = max(1, groups)
    rows_of = a.groups if groups and a.groups is not None else np.zeros(a.n, dtype=np.int64)
    columns_of = b.groups if groups and b.groups is not None else np.zeros(b.n, dtype=np.int64)
    member, sums = np.eye(width)[columns_of], np.zeros((width, width))
    for start, block in distance_blocks(a, b, "euclidean"):
        rows = np.arange(start, start + len(block))
        if a is b:
            block[np.arange(len(rows)), rows] = 0.0
        np.add.at(sums, rows_of[rows], np.sqrt(np.maximum(block, 0.0)) @ member)
    return sums


def _sides(pair: SetPair) -> tuple[Points, Points]:
    return pair.real, pair.synthetic


def _part(table: Floats, group: int) -> float:
    return float(table[group].sum() + table[:, group].sum() - table[group, group])


def _sizes(points: Points, groups: int) -> NDArray[np.int64]:
    if not groups or points.groups is None:
        return np.asarray([points.n])
    return np.bincount(points.groups, minlength=groups)


def _unbiased(sums: list[float], n: float, m: float) -> float:
    real, synthetic, across = sums
    return float(2.0 * across / (n * m) - real / (n * (n - 1)) - synthetic / (m * (m - 1)))
