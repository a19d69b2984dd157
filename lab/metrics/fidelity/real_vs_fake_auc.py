"""Real or fake: how well a detector that has learnt from both tells samples from real images."""

from __future__ import annotations

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW_ON_ONE_SIDE, index_patients
from lab.metrics.points import SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import COST, FOLDS, finite, sentences, spread
from lab.metrics.utility.discrimination import Floats, Interval, Reading
from lab.metrics.utility.probe import out_of_fold

DRAWS = 3
COMPONENTS = 32


@metric(
    MetricSpec(
        name="real-vs-fake-auc",
        title="Real-or-fake detector",
        symbol="RvF",
        axis="fidelity",
        direction="null",
        low=0.0,
        high=1.0,
        null="0.5: the detector guesses, as it does between training and held-out images, which are its held-out line",
        null_line=0.5,
        needs=("features",),
        minimum_n=20,
        bias="rises with the number of images while a difference is left to learn; copies of training images pull it"
        " below 0.5, because the detector saw the original under the other name; differences beyond means and the"
        " spread along 32 leading directions escape it; one constant trace of a generator"
        " takes it to 1 though people see none",
        cost=COST,
        reference="Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests; area under the curve in place of"
        " accuracy, by logistic regression on features and squared components",
        definition="How well a classifier tells samples from training images it was not fitted on: 0.5 is a guess, 1 is"
        " always right.",
    )
)
def real_vs_fake_auc(comparison: Comparison) -> Measurement:
    """Out-of-fold AUC of a logistic regression, samples against training images, five folds by patient.

    Beside the features it sees the squares of 32 leading components, so that it knows other spreads as well as other
    means; the components are those of both sets together, which tell nothing of which is which.

    Control: held-out against training images. Floor: the same at the samples' n, three draws. Intervals: bootstrap over
    patients of both sides, the detectors fixed.
    """
    rng = comparison.rng("real-vs-fake-auc")
    value, (low, high) = _detected(comparison.main, comparison.seed, rng)
    if finite(value) is None:
        raise NotComputable("The detector needs two patients or samples on each side; add images.")
    control: float | None = None
    ends: Interval = (None, None)
    if comparison.control is not None:
        control, ends = _detected(comparison.control, comparison.seed, rng)
    floors = [_detected(pair, comparison.seed, None)[0] for pair in comparison.floors[:DRAWS]]
    return Measurement(
        value=value,
        low=low,
        high=high,
        control=control,
        control_low=ends[0],
        control_high=ends[1],
        **spread(floors),
        floor_n=comparison.floors[0].synthetic.n if comparison.floors else None,
        note=sentences(FEW_ON_ONE_SIDE if low is None else ""),
    )


def _detected(pair: SetPair, seed: int, rng: np.random.Generator | None) -> tuple[float, Interval]:
    """Area and interval; the judged set is the positive class."""
    sides = (pair.real, pair.synthetic)
    features = with_squares(np.concatenate([side.features for side in sides]))
    fake = np.repeat([False, True], [side.n for side in sides])
    # A name that both sides use by chance stands for two people.
    patients = np.concatenate([np.char.add(f"{at}-", side.patients) for at, side in enumerate(sides)])
    counts = [index_patients(side.patients)[1] for side in sides]
    folds = min(FOLDS, *counts)
    if folds < 2:
        return float("nan"), (None, None)
    scores = out_of_fold(features, fake[:, None], patients, folds, seed)[:, 0]
    reading = Reading(scores[:, None], fake[:, None], patients)
    enough = rng is not None and min(counts) >= 20
    return reading.macro, reading.interval(rng) if enough and rng is not None else (None, None)


def with_squares(features: Floats) -> Floats:
    """(n, d + k) features, then the squares of up to 32 leading principal components."""
    from scipy.sparse.linalg import svds

    centred = features - features.mean(axis=0)
    k = min(COMPONENTS, *(side - 1 for side in centred.shape))
    if k < 1 or not centred.any():
        return features
    # A fixed start makes equal features give equal components; their signs do not matter once squared.
    vectors = svds(centred, k=k, v0=np.ones(min(centred.shape)), return_singular_vectors="vh")[2]
    return np.concatenate([features, (centred @ vectors.T) ** 2], axis=1)
