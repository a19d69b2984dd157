"""Sliced Wasserstein distance: how far the two clouds must be moved onto one another, seen along random directions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

Floats = NDArray[np.float64]
DIRECTIONS = 256


@metric(
    MetricSpec(
        name="sliced-wasserstein",
        title="Sliced Wasserstein distance",
        symbol="SW2",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: above 0 even for images of the same population, the more so the fewer the images",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="too large with few images; in the units of the features, so compare within one extractor; copies improve"
        " it",
        cost="256 projections and as many sorts: about a second for 1,000 x 1,000 images",
        reference="Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing",
        definition="The root mean square way that samples must go, in feature space seen along one random direction"
        " after another, to lie as the training images do.",
        options=(
            MetricOption(
                "directions", "Directions", DIRECTIONS, 16, 4096, "More give a steadier number, slower."
            ),
        ),
    )
)
def sliced_wasserstein(comparison: Comparison) -> Measurement:
    """sqrt of the mean over directions of the squared 1-D 2-Wasserstein distance, exact for any two set sizes.

    The directions are drawn once from the seed and serve samples, control and floor alike.
    """
    refuse_codes(comparison)
    count = round(comparison.option("sliced-wasserstein", "directions", DIRECTIONS))
    drawn = comparison.rng("sliced-wasserstein").normal(size=(comparison.real.features.shape[1], count))
    directions = drawn / np.linalg.norm(drawn, axis=0)
    return compare_sets(comparison, lambda pair: sliced_statistic(pair, directions))


def sliced_statistic(pair: SetPair, directions: Floats) -> Statistic:
    """The distance of two sets along (d, L) unit directions, and with each patient group left out of both."""
    ours = _ranked(pair.real, directions, pair.groups)
    theirs = _ranked(pair.synthetic, directions, pair.groups)
    values = [_distance(a, b) for a, b in zip(ours, theirs, strict=True)]
    return Statistic(values[0], np.asarray(values[1:]))


def _ranked(points: Points, directions: Floats, groups: int) -> Iterator[Floats]:
    """(L, n) ascending places along each direction; first of all points, then without each group."""
    places = (points.features @ directions).T
    order = np.argsort(places, axis=1, kind="stable")
    ranked = np.take_along_axis(places, order, axis=1)
    yield ranked
    if groups and points.groups is not None:
        owner = points.groups[order]
        for group in range(groups):
            yield ranked[owner != group].reshape(len(ranked), -1)


def _distance(a: Floats, b: Floats) -> float:
    """From (L, n) and (L, m) ascending places: each set's quantile function is a staircase, compared stair by stair."""
    n, m = a.shape[1], b.shape[1]
    ends = np.unique(np.concatenate([np.arange(1, n + 1) * m, np.arange(1, m + 1) * n]))
    widths = np.diff(ends, prepend=0) / (n * m)
    gap = a[:, (ends - 1) // m] - b[:, (ends - 1) // n]
    return float(np.sqrt((gap**2 @ widths).mean()))
