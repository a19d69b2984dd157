"""Kernel distance: unbiased squared maximum mean discrepancy with a cubic kernel, exact over all pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.kernel_subsets import LARGEST, SUBSETS, subset_distances
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
WHOLE = (
    "A benchmark takes subsets as large as the smaller set: with equal sets its 100 values are one value 100 times, and"
    " their standard deviation of 0 is no interval."
)


@metric(
    MetricSpec(
        name="kernel-distance",
        title="Kernel distance",
        symbol="KD",
        axis="fidelity",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="0 on average for images of the same population, at any number of images; single values fall"
        " on both sides of 0",
        null_line=0.0,
        needs=("features",),
        minimum_n=10,
        bias="none from sample size; it grows with the scale of the features, so compare within one"
        " extractor; many images a patient raise it slightly, for held-out images too",
        cost="one kernel value a pair of images: about 5 s for 5,000 x 5,000 images of 1,280 features on"
        " two cores",
        reference="Bińkowski et al. 2018, Demystifying MMD GANs; Gretton et al. 2012",
        definition="How far the feature clouds of samples and training images are apart in mean, spread"
        " and skew; 0 when they cannot be told apart.",
    )
)
def kernel_distance(comparison: Comparison) -> Measurement:
    """Unbiased squared MMD with kernel (x.y / d + 1)^3 over all pairs.

    1e-9 relative against a direct sum in float64; large sets (2^31 multiplications and more) are multiplied in single
    precision and summed in double, within 1e-5 of the mean kernel value. Published beside it: the mean over 100 subsets
    as torch-fidelity draws them, and that over the whole smaller set, which a benchmark reports.
    """
    measured = compare_sets(comparison, kernel_statistic)
    real, samples = comparison.real.features, comparison.synthetic.features
    smaller = min(len(real), len(samples))
    size = min(smaller, LARGEST)
    draws = np.random.RandomState(int(comparison.rng("kernel-subsets").integers(2**31)))
    values = subset_distances(samples, real, draws, size)
    bars = {"all pairs": measured.value, f"mean of {SUBSETS} subsets of {size}": float(values.mean())}
    if len(real) == len(samples):
        bars["subset = whole set"] = measured.value
    told = {"subsets": SUBSETS, "subset_size": size, "subset_sd": float(values.std())}
    return replace(
        measured,
        published=float(values.mean()),
        published_note=f"Published code draws {SUBSETS} subsets of {size} and reports their mean and standard deviation"
        f" ({values.std():.3g}), which says how subsets vary and not how sure the mean is.",
        details={**measured.details, **told, "bars": bars, "whole_sets": WHOLE},
    )


def kernel_statistic(pair: SetPair, within_real: Floats | None = None) -> Statistic:
    """The distance of two sets and its values with one patient group left out of both.

    Kernel values are summed once into a table of group by group; leaving groups out only subtracts rows and
    columns.
    """
    groups = pair.groups
    within_real, within_synthetic = (
        _folded(points.kernel_sums, groups) for points in (pair.real, pair.synthetic)
    )
    across = pair.kernel_sums
    n, m = _sizes(pair.real, groups), _sizes(pair.synthetic, groups)
    value = _unbiased(within_real.sum(), within_synthetic.sum(), across.sum(), n.sum(), m.sum())
    left = [
        _unbiased(
            _without(within_real, g),
            _without(within_synthetic, g),
            _without(across, g),
            n.sum() - n[g],
            m.sum() - m[g],
        )
        for g in range(groups)
    ]
    return Statistic(value, np.asarray(left))


def _folded(sums: Floats, groups: int) -> Floats:
    return sums if len(sums) == max(1, groups) else sums.sum().reshape(1, 1)


def _sizes(points: Points, groups: int) -> NDArray[np.int64]:
    if not groups or points.groups is None:
        return np.asarray([points.n])
    return np.bincount(points.groups, minlength=groups)


def _without(sums: Floats, group: int) -> float:
    return float(sums.sum() - sums[group].sum() - sums[:, group].sum() + sums[group, group])


def _unbiased(real: float, synthetic: float, across: float, n: float, m: float) -> float:
    return float(real / (n * (n - 1)) + synthetic / (m * (m - 1)) - 2.0 * across / (n * m))
