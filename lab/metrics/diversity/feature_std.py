"""Feature spread: the standard deviation of the samples' features, averaged over the features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name="feature-std",
        title="Feature spread (STD)",
        symbol="s̄",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: as much as real images of the same population spread",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="none from sample size; in the units of the features, so compare within one extractor; samples scattered"
        " far from anything real score high too",
        cost="none worth mentioning",
        reference="Xing et al. 2023, You don't have to be perfect to be amazing (MICCAI), the other variety score",
        definition="How much the samples differ from one another in a feature, averaged over all features.",
    )
)
def feature_std(comparison: Comparison) -> Measurement:
    """Mean over dimensions of the population standard deviation; NumPy's to 1e-12 relative."""
    refuse_codes(comparison)
    measured = compare_sets(comparison, lambda pair: spread(pair.synthetic))
    bars = {"samples": measured.value, "training images": spread(comparison.real).value}
    if measured.control is not None:
        bars["held-out images"] = measured.control
    return replace(measured, details={"bars": bars})


def spread(points: Points) -> Statistic:
    """The spread of one set, and with each patient group left out."""
    centred = points.features - points.features.mean(axis=0)
    value = float(_mean_std(centred.sum(axis=0), (centred**2).sum(axis=0), points.n))
    if points.groups is None:
        return Statistic(value, np.empty(0))
    sums, squares = centred.sum(axis=0), (centred**2).sum(axis=0)
    left = []
    for group in range(points.group_count):
        part = centred[points.groups == group]
        left.append(_mean_std(sums - part.sum(axis=0), squares - (part**2).sum(axis=0), points.n - len(part)))
    return Statistic(value, np.asarray(left))


def _mean_std(sums: Floats, squares: Floats, n: int) -> float:
    return float(np.sqrt(np.maximum(squares / n - (sums / n) ** 2, 0.0)).mean())
