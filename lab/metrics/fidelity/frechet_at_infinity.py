"""Fréchet distance at infinite n: the distance at growing numbers of samples, drawn out to none missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.fidelity.frechet_distance import frechet_basis, frechet_statistic
from lab.metrics.gaussians import on_components
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
SIZES = 15


@metric(
    MetricSpec(
        name="frechet-distance-infinite",
        title="Fréchet distance at infinite n",
        symbol="FD∞",
        axis="fidelity",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="the held-out line: what is left for images of the same population is the training images' own sampling",
        null_line=None,
        needs=("features",),
        minimum_n=40,
        bias="the bias of the samples' number is taken out to first order; that of the training images' number, which"
        " stays as it is, is not",
        cost="15 Fréchet distances each for value, control and floor: seconds on components, minutes on 2,048 features",
        reference="Chong and Forsyth 2020, Effectively unbiased FID and Inception score; 15 sizes as in dgm-eval",
        definition="What the Fréchet distance would be with endless samples, read from how it falls as samples are"
        " added.",
    )
)
def frechet_at_infinity(comparison: Comparison) -> Measurement:
    """Intercept of the line through FD over 1/m at 15 numbers of samples m, from a quarter to all of them.

    Features or principal components as for `frechet-distance`. The intercept is a weighted sum of 15 distances, and so
    is each value with a patient group left out: 1e-9 relative against a least-squares fit of the same distances.
    """
    refuse_codes(comparison)
    kept, basis = frechet_basis(comparison)
    seed = int(comparison.rng("frechet-infinite").integers(2**31))
    measured = compare_sets(comparison, lambda pair: extrapolated(pair, seed, basis)[0])
    sizes, values = extrapolated(comparison.main, seed, basis)[1:]
    curve = {
        "x": [1.0 / size for size in sizes],
        "y": [float(value) for value in values],
        "x_title": "1 / number of samples",
        "y_title": "Fréchet distance",
    }
    details = {
        **measured.details,
        "curve": curve,
        "bars": {"raw": float(values[-1]), "infinite": measured.value},
    }
    title = "FD∞" if basis is None else on_components("FD∞", kept)
    return replace(measured, title=title, dimension=kept, details=details)


def extrapolated(pair: SetPair, seed: int, basis: Floats | None) -> tuple[Statistic, list[int], Floats]:
    """The intercept with its delete-one-group values, the sizes, and the distance at each of them."""
    order = np.random.default_rng(seed).permutation(pair.synthetic.n)
    sizes = [int(size) for size in np.linspace(max(2, pair.synthetic.n // 4), pair.synthetic.n, SIZES)]
    found = [
        frechet_statistic(SetPair(pair.real, _some(pair.synthetic, order[:size])), basis) for size in sizes
    ]
    weights = intercept_weights(1.0 / np.asarray(sizes))
    values = np.asarray([one.value for one in found])
    left = np.asarray([one.deleted for one in found])
    return Statistic(float(weights @ values), weights @ left), sizes, values


def intercept_weights(x: Floats) -> Floats:
    """(s,) weights so that weights @ y is the intercept of the least-squares line through (x, y)."""
    design = np.stack([np.ones_like(x), x], axis=1)
    return np.asarray(np.linalg.pinv(design)[0])


def _some(points: Points, rows: NDArray[np.int64]) -> Points:
    rows = np.sort(rows)
    groups = None if points.groups is None else points.groups[rows]
    return Points(
        points.features[rows], points.patients[rows], points.order[rows], groups, points.group_count
    )
