"""Likelihood gap: does a density around the samples explain training images better than held-out ones?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.divergence import Likelihoods, likelihoods
from lab.metrics.patients import FEW_ON_ONE_SIDE, MINIMUM_PATIENTS, bootstrap_means, index_patients
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "fld-gap"
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name=NAME,
        title="Likelihood gap",
        symbol="FLD gap",
        axis="privacy",
        direction="higher",
        low=float("-inf"),
        high=float("inf"),
        null="the held-out line, a little below 0: the widths were fitted to the training images",
        null_line=None,
        needs=("features", "held-out"),
        minimum_n=40,
        bias="train and held-out of different sources move it without any copying; more samples sharpen it",
        cost="as the feature likelihood divergence, whose mixtures it shares",
        reference="Jiralerspong et al. 2023, Feature likelihood divergence: generalisation gap",
        definition="How much better a density around the samples explains training images than held-out ones, in"
        " hundredths"
        " of a unit per feature; far below the held-out line means over-fitting.",
    )
)  # fmt: skip
def fld_gap(comparison: Comparison) -> Measurement:
    """100 x (mean negative log likelihood of T - of V), per dimension, under the same mixture.

    Interval by bootstrap over patients of both real sides with the mixture fixed.
    """
    main, control = likelihoods(comparison)
    value, low, high = _gap(main, comparison.real, comparison.rng(NAME))
    control_value, control_low, control_high = _gap(
        control, comparison.real, comparison.rng(f"{NAME} control")
    )
    return Measurement(
        value=value, low=low, high=high, control=control_value, control_low=control_low, control_high=control_high,
        floor=control_value, floor_low=control_low, floor_high=control_high, floor_n=control.tried.n,
        note="" if low is not None else FEW_ON_ONE_SIDE,
        details={
            "bars": {
                "Training images (negative log likelihood per feature)": float(main.to_training.mean()),
                "Held-out images (negative log likelihood per feature)": float(main.to_films.mean()),
            }
        },
    )  # fmt: skip


def _gap(
    found: Likelihoods, real: Points, rng: np.random.Generator
) -> tuple[float, float | None, float | None]:
    value = 100.0 * float(found.to_training.mean() - found.to_films.mean())
    if min(index_patients(side.patients)[1] for side in (real, found.tried)) < MINIMUM_PATIENTS:
        return value, None, None
    drawn = bootstrap_means(found.to_training, real.patients, rng)
    others = bootstrap_means(found.to_films, found.tried.patients, rng)
    low, high = np.percentile(100.0 * (drawn - others), (2.5, 97.5))
    return value, float(low), float(high)
