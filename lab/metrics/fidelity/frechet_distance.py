"""Fréchet distance of two Gaussians, on all features where images suffice, else on principal components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.gaussians import (
    eigen,
    frechet,
    frechet_left_out,
    frechet_of,
    moments,
    on_components,
    scatter,
)
from lab.metrics.patients import MINIMUM_PATIENTS
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
MOST_COMPONENTS = 64
MOST_EXACT = 256
SHARDS = 4
SHARDED = (
    "The mean over shards is what a memory-saving mode reports; a quarter of the images makes it larger, so it is not"
    " comparable with the distance of the whole sets."
)
__all__ = ["components_allowed", "frechet", "frechet_statistic", "moments", "principal_components"]


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
        cost="one eigen-decomposition a set on all features, one for each patient group left out on components:"
        " seconds",
        reference="Heusel et al. 2017, GANs trained by a two time-scale update rule; Dowson and Landau 1982",
        definition="The distance between two bell-shaped clouds that have the means and spreads of the"
        " samples' and the training images' features.",
    )
)
def frechet_distance(comparison: Comparison) -> Measurement:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); float64, 1e-6 relative against torchmetrics.

    The components come from training images alone and stay the same for control, floor and left-out groups. What
    published code gives beside them: all features whatever the number of images, and the mean over four shards of
    the sets, which the saving mode of a benchmark reports.
    """
    refuse_codes(comparison)
    kept, basis = frechet_basis(comparison)
    real, samples = comparison.real, comparison.synthetic
    measured = compare_sets(comparison, lambda pair: frechet_statistic(pair, basis))
    raw = measured.value if basis is None else frechet_of(real.features, samples.features)
    details = {
        **measured.details,
        "bars": {"all images": raw, f"mean of {SHARDS} shards": sharded(comparison)},
    }
    measured = replace(measured, details={**details, "sharded": SHARDED})
    if basis is None:
        return measured
    width = real.features.shape[1]
    fewest = min(real.n, samples.n, comparison.held_out.n if comparison.held_out else samples.n)
    reason = f"On {kept} principal components: {fewest} images cannot determine {width} features."
    note = f"{reason} {measured.note}".strip()
    told = f"Published code takes all {width} features, with a bias of about features over images."
    return replace(
        measured,
        title=on_components("FD", kept),
        dimension=kept,
        note=note,
        published=raw,
        published_note=told,
    )


def frechet_basis(comparison: Comparison) -> tuple[int, Floats | None]:
    """How many dimensions the sets determine, and the (d, kept) principal components; None for all features.

    Raises:
        NotComputable: with fewer than 20 images on a side.
    """
    sides = [comparison.real.n, comparison.synthetic.n]
    sides += [comparison.held_out.n] if comparison.held_out else []
    width = comparison.real.features.shape[1]
    kept = components_allowed(min(sides), width)
    if kept == 0:
        raise NotComputable(
            "The Fréchet distance needs 20 images on each side, held-out images included; add images."
        )
    if kept == width:
        return kept, None
    features = comparison.real.features
    return kept, comparison.shared("principal components", lambda: principal_components(features, kept))


def sharded(comparison: Comparison) -> float:
    """Mean over four shards of the sets of the distance on all features; rows are dealt at random."""
    rng = comparison.rng("frechet-shards")
    parts = [
        [side.features[np.sort(rows)] for rows in np.array_split(rng.permutation(side.n), SHARDS)]
        for side in (comparison.real, comparison.synthetic)
    ]
    return float(np.mean([frechet_of(a, b) for a, b in zip(*parts, strict=True)]))


def components_allowed(n: int, width: int) -> int:
    """Dimensions on which n images determine a covariance: all with n >= 2 x width, else min(64, n/10)."""
    return width if n >= 2 * width else min(MOST_COMPONENTS, n // 10, width)


def principal_components(features: Floats, kept: int) -> Floats:
    """(d, kept) orthonormal directions of largest variance of (n, d) features, largest first."""
    _, vectors = eigen(scatter(features, features.mean(axis=0)))
    return np.ascontiguousarray(vectors[:, ::-1][:, :kept])


def frechet_statistic(pair: SetPair, basis: Floats | None = None) -> Statistic:
    """The distance of two sets and its values with one patient group left out of both.

    On more than 64 features groups are joined in pairs where 20 remain, and on more than 256 the left-out values follow
    the derivative of the distance: one decomposition in place of twenty.
    """
    real, synthetic = _projected(pair.real, basis), _projected(pair.synthetic, basis)
    if not pair.groups or pair.real.groups is None or pair.synthetic.groups is None:
        return Statistic(frechet_of(real, synthetic), np.empty(0))
    if real.shape[1] > MOST_EXACT:
        return Statistic(
            *frechet_left_out(real, synthetic, pair.real.groups, pair.synthetic.groups, pair.groups)
        )
    value = frechet(*moments(real), *moments(synthetic))
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


def _projected(points: Points, basis: Floats | None) -> Floats:
    return points.features if basis is None else points.features @ basis
