"""Fréchet distance of two Gaussians, on all features where images suffice, else on principal components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.patients import MINIMUM_PATIENTS
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
MOST_COMPONENTS = 64


@metric(
    MetricSpec(
        name="frechet-distance",
        title="Fréchet distance",
        symbol="FD",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: above 0 even for images of the same population, the more so the fewer the"
        " images",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="too large with few images, about as number of features over number of images; so all"
        " features are used only with twice as many images as features, else min(64, n/10) principal"
        " components of the training images",
        cost="one eigen-decomposition for each patient group left out: seconds on components, about a"
        " minute on 2,048 features",
        reference="Heusel et al. 2017, GANs trained by a two time-scale update rule; Dowson and Landau 1982",
        definition="The distance between two bell-shaped clouds that have the means and spreads of the"
        " samples' and the training images' features.",
    )
)
def frechet_distance(comparison: Comparison) -> Measurement:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); float64, 1e-6 relative against torchmetrics.

    The components come from training images alone and stay the same for control, floor and left-out groups.
    """
    sides = [comparison.real.n, comparison.synthetic.n] + (
        [comparison.held_out.n] if comparison.held_out else []
    )
    width = comparison.real.features.shape[1]
    kept = components_allowed(min(sides), width)
    if kept == 0:
        raise NotComputable(
            "The Fréchet distance needs 20 images on each side, held-out images included; add images."
        )
    basis = None if kept == width else principal_components(comparison.real.features, kept)
    measured = compare_sets(comparison, lambda pair: frechet_statistic(pair, basis))
    if basis is None:
        return measured
    reason = f"On {kept} principal components: {min(sides)} images cannot determine {width} features."
    note = f"{reason} {measured.note}".strip()
    return replace(measured, title=f"FD, {kept} components", dimension=kept, note=note)


def components_allowed(n: int, width: int) -> int:
    """Dimensions on which n images determine a covariance: all with n >= 2 x width, else min(64, n/10)."""
    return width if n >= 2 * width else min(MOST_COMPONENTS, n // 10, width)


def principal_components(features: Floats, kept: int) -> Floats:
    """(d, kept) orthonormal directions of largest variance of (n, d) features, largest first."""
    centred = features - features.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :kept])


def frechet_statistic(pair: SetPair, basis: Floats | None = None) -> Statistic:
    """The distance of two sets and its values with one patient group left out of both.

    On more than 64 features groups are joined in pairs where 20 remain, which halves the time.
    """
    real, synthetic = _projected(pair.real, basis), _projected(pair.synthetic, basis)
    value = frechet(*moments(real), *moments(synthetic))
    if not pair.groups or pair.real.groups is None or pair.synthetic.groups is None:
        return Statistic(value, np.empty(0))
    joined = 2 if real.shape[1] > MOST_COMPONENTS and pair.groups >= 2 * MINIMUM_PATIENTS else 1
    count = -(-pair.groups // joined)
    without = zip(
        _left_out(real, pair.real.groups // joined, count),
        _left_out(synthetic, pair.synthetic.groups // joined, count),
        strict=True,
    )
    return Statistic(value, np.asarray([frechet(*a, *b) for a, b in without]))


def _left_out(features: Floats, groups: NDArray[np.int64], count: int) -> Iterator[tuple[Floats, Floats]]:
    """Mean and covariance without each group, by taking the group's part from the sums of all."""
    mean = features.mean(axis=0)
    centred = features - mean
    scatter = centred.T @ centred
    for group in range(count):
        part = centred[groups == group]
        n = len(features) - len(part)
        shift = -part.sum(axis=0) / n
        yield mean + shift, (scatter - part.T @ part - n * np.outer(shift, shift)) / (n - 1)


def moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and unbiased covariance (d, d) of (n, d) features."""
    mean = features.mean(axis=0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def frechet(mean_a: Floats, cov_a: Floats, mean_b: Floats, cov_b: Floats) -> float:
    """The distance of two Gaussians, from the eigenvalues of R' B R with A = R R'; singular covariances are safe."""
    root = _root(cov_a)
    inner = np.linalg.eigvalsh(root.T @ cov_b @ root)
    overlap = np.sqrt(np.maximum(inner, 0.0)).sum()
    gap = mean_a - mean_b
    distance = float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2.0 * overlap)
    return max(distance, 0.0)


def _root(covariance: Floats) -> Floats:
    """R with covariance = R R': Cholesky where it exists, which is much the faster, else by eigenvectors."""
    try:
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _projected(points: Points, basis: Floats | None) -> Floats:
    return points.features if basis is None else points.features @ basis
