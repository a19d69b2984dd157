"""Extraction ratio: samples whose pixels are far nearer to one training image than to the fifty nearest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.judged import Judged, flagged_pairs, histogram, mean, summarise
from lab.metrics.nearest import nearest
from lab.metrics.other_space import in_space, pixel_space
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "extraction-ratio"
NEIGHBOURS, ALPHA = 50, 0.5
FLAG, SIDE = 1.0, 64


@metric(
    MetricSpec(
        name=NAME,
        title="Extracted images",
        symbol="EX",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line: near 0 for radiographs; one in five for pictures of skin, which are often alike",
        null_line=None,
        needs=("features", "pictures"),
        minimum_n=10,
        bias="pixels in place: a flipped, cropped or turned copy is missed; sets whose images are nearly alike, such as"
        " stacks of one scanner, raise it",
        cost="reading all images once, and all distances of 64 x 64 grey thumbnails: about 15 s for 1,000 x"
        " 1,000 images",
        reference="Carlini et al. 2023, Extracting training data from diffusion models; adaptive distance, 50"
        " neighbours,"
        " alpha 0.5",
        definition="The share of samples whose pixel distance to their nearest training image is less than half"
        " the mean"
        " distance to their fifty nearest.",
        options=(
            MetricOption("limit", "Flag below", FLAG, 0.1, 2.0, "Samples with a smaller ratio count as extracted."),
            MetricOption("side", "Thumbnail side", SIDE, 16, 256, "Pixels to which images are reduced."),
        ),
    )
)  # fmt: skip
def extraction_ratio(comparison: Comparison) -> Measurement:
    """Share of samples with l2(g, x) / (0.5 x mean l2(g, 50 nearest)) below 1; as the NumPy definition to 1e-12.

    l2 is the root of the mean squared difference of grey levels in 0..1, x the nearest training image, which is one of
    the fifty. The paper ranks and inspects; the limit 1 is ours. Per-image scores are the ratios. Interval by
    bootstrap over patients.
    """
    limit = comparison.option(NAME, "limit", FLAG)
    side = round(comparison.option(NAME, "side", SIDE))
    pixels = in_space(comparison, pixel_space(comparison.given, side))
    samples = _ratios(pixels.synthetic, pixels.real)
    control = None if pixels.held_out is None else _ratios(pixels.held_out, pixels.real)
    low = samples.scores < limit
    details = {
        "rule": {"below": limit},
        "bars": {"Extracted samples": int(low.sum())},
        "histogram": histogram(
            samples.scores, None if control is None else control.scores, "Adaptive pixel distance"
        ),
        "flagged": flagged_pairs(samples, pixels.real, low),
    }  # fmt: skip
    found = summarise(
        pixels, _flags(samples, limit), None if control is None else _flags(control, limit), mean, NAME, details
    )  # fmt: skip
    return replace(found, per_image=pixels.synthetic.in_given_order(samples.scores))


def _ratios(points: Points, real: Points) -> Judged:
    near = nearest(points, real, k=min(NEIGHBOURS, real.n))
    distances = near.distances
    usual = ALPHA * distances.mean(axis=1)
    ratios = np.divide(distances[:, 0], usual, out=np.zeros(points.n), where=usual > 0)
    return Judged(points, ratios, near.rows[:, 0])


def _flags(judged: Judged, limit: float) -> Judged:
    return Judged(judged.points, (judged.scores < limit).astype(np.float64))
