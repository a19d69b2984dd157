"""Mahalanobis distance of the samples' mean from that of the training images."""

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
        name="mahalanobis-mean",
        title="Mahalanobis distance of means",
        symbol="MD",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: above 0 even for images of the same population, the more so the fewer the images",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="sees only the means: a collapsed set at the centre scores well; with fewer images than features the"
        " covariance is shrunk towards a ball, which makes the number smaller",
        cost="one covariance and one triangular solution: about 2 s for 1,280 features",
        reference="Mahalanobis 1936; covariance shrunk as in Ledoit and Wolf 2004",
        definition="How far the average sample lies from the average training image, in units of the training images'"
        " own spread in that direction.",
    )
)
def mahalanobis_mean(comparison: Comparison) -> Measurement:
    """sqrt((m1 - m2)' S^-1 (m1 - m2)), S the shrunk covariance of the training images; a direct solution to 1e-9.

    The covariance stays that of all training images for control, floor and left-out groups.
    """
    refuse_codes(comparison)
    covariance, shrinkage = shrunk_covariance(comparison.real.features)
    factor = np.linalg.cholesky(covariance)

    found: dict[int, Floats] = {}

    def means(points: Points, groups: int) -> Floats:
        # The means of the training images serve every pair; whitened, leaving a group out only moves a mean.
        if points is not comparison.real:
            return np.linalg.solve(factor, _means(points, groups).T).T
        if groups not in found:
            found[groups] = np.linalg.solve(factor, _means(points, groups).T).T
        return found[groups]

    measured = compare_sets(
        comparison, lambda pair: _gap(means(pair.real, pair.groups), means(pair.synthetic, pair.groups))
    )
    return replace(measured, details={"shrinkage": shrinkage})


def shrunk_covariance(features: Floats) -> tuple[Floats, float]:
    """(d, d) covariance of (n, d) features pulled towards a multiple of the identity, and by how much (0 to 1)."""
    n, d = features.shape
    centred = features - features.mean(axis=0)
    covariance = centred.T @ centred / n
    scale = float(np.trace(covariance)) / d
    distance = float(((covariance - scale * np.eye(d)) ** 2).sum())
    fourth = float((np.einsum("nd,nd->n", centred, centred) ** 2).sum()) / n
    noise = (fourth - float((covariance**2).sum())) / n
    shrinkage = min(1.0, max(0.0, noise / distance)) if distance > 0 else 1.0
    floor = scale if scale > 0 else 1.0
    pulled = (1.0 - shrinkage) * covariance + shrinkage * scale * np.eye(d)
    return pulled + 1e-12 * floor * np.eye(d), shrinkage


def _gap(ours: Floats, theirs: Floats) -> Statistic:
    gaps = ours - theirs
    lengths = np.sqrt(np.einsum("gd,gd->g", gaps, gaps))
    return Statistic(float(lengths[0]), lengths[1:])


def _means(points: Points, groups: int) -> Floats:
    """(1 + g, d) means of all rows, then without each group."""
    total = points.features.sum(axis=0)
    means = [total / points.n]
    if groups and points.groups is not None:
        for group in range(groups):
            part = points.features[points.groups == group]
            means.append((total - part.sum(axis=0)) / (points.n - len(part)))
    return np.asarray(means)
