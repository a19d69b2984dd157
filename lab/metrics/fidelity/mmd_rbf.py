"""MMD with Gaussian kernels: can samples be told from training images at any of five widths?"""

from __future__ import annotations

from dataclasses import replace

from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.points import SetPair
from lab.metrics.rbf import (
    NARROWEST,
    PERMUTATIONS,
    WIDTHS,
    median_distance,
    permutation_p,
    rbf_statistic,
    unit_points,
)
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="mmd-rbf",
        title="MMD, Gaussian kernels",
        symbol="MMD²",
        axis="fidelity",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="0 on average for images of the same population, on both sides of 0; the real-to-real floor by patient"
        " shows how far from 0 real sets fall",
        null_line=0.0,
        needs=("features",),
        minimum_n=10,
        bias="none from sample size; near 0 for every pair of sets where features differ in more ways than the kernels"
        " can see, and it saturates for sets far apart",
        cost="one Gaussian kernel value a pair of images, once for the value, control and floor, and once for the"
        " permutations: a second for 1,000 x 1,000 images",
        reference="Gretton et al. 2012, A kernel two-sample test; widths as in m3-score",
        definition="How well samples and training images can be told apart by how close together their features lie,"
        " from near to far; 0 when they cannot.",
    )
)
def mmd_rbf(comparison: Comparison) -> Measurement:
    """Mean unbiased MMD^2 over five widths around the median squared distance, features scaled to length 1.

    1e-6 absolute against m3-score, whose value stops at 0. Widths are those of training images and samples for control,
    floor and left-out groups too. `details` has the permutation p value, whole patients swapped.
    """
    refuse_codes(comparison)
    units = {id(side): unit_points(side) for side in (comparison.real, comparison.synthetic)}

    def unit(pair: SetPair) -> SetPair:
        return SetPair(*(units.get(id(side)) or unit_points(side) for side in (pair.real, pair.synthetic)))

    main = unit(comparison.main)
    median = median_distance(main.real, main.synthetic, comparison.rng("mmd-median"))
    measured = compare_sets(comparison, lambda pair: rbf_statistic(unit(pair), median))
    told = {
        "p": permutation_p(main, median, comparison.rng("mmd-permutations")),
        "permutations": PERMUTATIONS,
        "widths": [median * NARROWEST * 2**step for step in range(WIDTHS)],
    }
    return replace(
        measured,
        published=max(measured.value, 0.0),
        published_note="m3-score stops at 0; the unbiased value may fall below, and should as often as above it.",
        details={**measured.details, **told},
    )
