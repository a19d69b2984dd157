"""Near-duplicate rate: samples nearer to a training image than training images are to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement, Share, compare_sets
from lab.metrics.judged import Judged, flagged_pairs, histogram
from lab.metrics.points import SetPair
from lab.metrics.privacy_statistics import with_per_image
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "m3-memorisation"
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name=NAME,
        title="Near-duplicate rate (M3)",
        symbol="M3",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line, about 0.5 to 0.6: half of all training images are nearer to another one than"
        " the median"
        " distance by construction",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="falls where patients have several images, whose small distances to each other set the limit; blur and"
        " collapse raise it; features of ImageNet networks miss copies with noise: try planted copies",
        cost="all distances within the training images and from samples and held-out images to them: about 1 s for"
        " 1,000 x 1,000 images",
        reference="m3-score 0.1.0 (2026), memorisation rate; distances to the nearest training image",
        definition="The share of samples nearer to a training image than half of the training images are to"
        " another one.",
    )
)  # fmt: skip
def m3_memorisation(comparison: Comparison) -> Measurement:
    """Share of samples with d(g, T) below the median of r1 over T; as the NumPy definition to the digit.

    Interval: of a share of samples, the training images as they are.
    """
    found = compare_sets(comparison, lambda pair: Share(_relative(pair) < 1.0, pair.synthetic.patients))
    scores = _relative(comparison.main)
    control = None if comparison.control is None else _relative(comparison.control)
    near = Judged(comparison.synthetic, scores, comparison.main.nearest.rows[:, 0])
    details = {
        "histogram": histogram(scores, control, "Distance to the nearest training image over the median one"),
        "flagged": flagged_pairs(near, comparison.real, scores < 1.0),
    }
    return with_per_image(found, comparison, scores, {"below": 1.0}, details)


def _relative(pair: SetPair) -> Floats:
    """(m,) distance to the nearest training image over the median distance between training neighbours."""
    usual = np.median(pair.real.nearest_other.first)
    return np.asarray(pair.nearest.first / np.maximum(usual, 1e-300))
