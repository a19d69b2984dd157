"""Nearest-neighbour distance ratio: does a sample hug one training image, or lie between several?"""

from __future__ import annotations

import numpy as np

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.judged import Judged, flagged_pairs, histogram, median, summarise
from lab.metrics.points import SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "nndr"
FLAG = 0.6
EPSILON = 1e-8


@metric(
    MetricSpec(
        name=NAME,
        title="Nearest-neighbour distance ratio",
        symbol="NNDR",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line, near 1: an honest image is about as far from its second nearest training image as from"
        " its nearest",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="falls where patients have a single odd image and rises with crowded training sets and with dimension;"
        " a copy of an image that is in the training set twice scores 1 and is missed;"
        " features of ImageNet networks miss copies with noise: try planted copies",
        cost="all distances from samples and held-out images to training images: under 1 s for 1,000 x 1,000 images",
        reference="Lowe 2004 for the ratio; as a privacy score with the limit 0.6 in SynCMRI (Kumarasinghe et"
        " al. 2026)",
        definition="The distance of a sample to its nearest training image over that to its second nearest, in"
        " the middle"
        " of all samples; small means that it follows one image.",
        options=(
            MetricOption("limit", "Flag below", FLAG, 0.05, 1.0, "Samples with a smaller ratio are listed as pairs."),
        ),
    )
)  # fmt: skip
def nndr(comparison: Comparison) -> Measurement:
    """Median of d1 / (d2 + 1e-8) over the samples; the share below 0.6 and the flagged pairs are in the details.

    As the NumPy definition to 1e-12. Interval by bootstrap over patients with the training images fixed.
    """
    limit = comparison.option(NAME, "limit", FLAG)
    samples = _ratios(comparison.main)
    control = None if comparison.control is None else _ratios(comparison.control)
    low = samples.scores < limit
    shares = {f"Samples below {limit:g}": float(low.mean())}
    if control is not None:
        shares[f"Held-out images below {limit:g}"] = float((control.scores < limit).mean())
    details = {
        "rule": {"below": limit},
        "bars": shares,
        "histogram": histogram(
            samples.scores, None if control is None else control.scores, "Nearest over second nearest distance"
        ),
        "flagged": flagged_pairs(samples, comparison.real, low),
    }  # fmt: skip
    return summarise(comparison, samples, control, median, NAME, details)


def _ratios(pair: SetPair) -> Judged:
    distances, rows = pair.nearest.distances, pair.nearest.rows[:, 0]
    return Judged(pair.synthetic, np.asarray(distances[:, 0] / (distances[:, 1] + EPSILON)), rows)
