"""Kullback-Leibler divergence of the samples from the training images, estimated from nearest neighbours."""

from __future__ import annotations

import numpy as np

from lab.errors import NotComputable
from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.left_out import kth_nearest
from lab.metrics.points import SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

K = 5


@metric(
    MetricSpec(
        name="kl-knn",
        title="KL divergence by neighbours",
        symbol="KL",
        axis="fidelity",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="the held-out line: about 0 in few dimensions, off by some in many",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="multiplied by the number of features although images fill far fewer directions, so it is large, moves"
        " with their number, and is comparable only within one extractor at equal numbers; copies pull it below 0",
        cost="all distances between and within the sets: about 5 s for 5,000 x 5,000 images",
        reference="Wang, Kulkarni and Verdú 2009, Divergence estimation for multidimensional densities via k-nearest-"
        "neighbor distances; k = 5",
        definition="By how much, on average over samples, samples crowd more densely at a sample than training images"
        " do, in nats.",
        options=(
            MetricOption("k", "Neighbours", K, 1, 50, "The neighbour whose distance stands for the density."),
        ),
    )
)
def kl_knn(comparison: Comparison) -> Measurement:
    """d / m sum log(nu_k / rho_k) + log(n / (m - 1)) for m samples among n training images; exact distances.

    nu and rho are the distances of a sample to its k-th training image and to its k-th other sample.
    """
    refuse_codes(comparison)
    k = round(comparison.option("kl-knn", "k", K))
    return compare_sets(comparison, lambda pair: kl_statistic(pair, k))


def kl_statistic(pair: SetPair, k: int) -> Statistic:
    """The divergence, and with each patient group left out of both sets.

    Raises:
        NotComputable: where k or more samples, or k training images and a sample, are the same point.
    """
    to_real = kth_nearest(pair.synthetic, pair.real, k, pair.groups).distances
    to_own = kth_nearest(pair.synthetic, pair.synthetic, k, pair.groups).distances
    dimension = pair.real.features.shape[1]
    values = []
    for column in range(1 + pair.groups):
        kept = pair.kept(pair.synthetic, column)
        n, m = int(pair.kept(pair.real, column).sum()), int(kept.sum())
        nu, rho = to_real[kept, column], to_own[kept, column]
        if not (nu.all() and rho.all()):
            raise NotComputable(
                f"{int((nu == 0).sum() + (rho == 0).sum())} times {k} images or more have the same features, which"
                " has no density; nothing was computed; remove repeated images or raise the neighbour k."
            )
        values.append(dimension * float(np.log(nu / rho).mean()) / 2.0 + float(np.log(n / (m - 1))))
    return Statistic(values[0], np.asarray(values[1:]))
