"""Peak signal-to-noise ratio of samples against the images they were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.metrics import structural
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import compare_paired, paired_levels
from lab.metrics.pictures import Image
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="psnr",
        title="Peak signal-to-noise ratio",
        symbol="PSNR",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=structural.MOST_DECIBELS,
        null="the held-out line: held-out images beside training images drawn at random, which nothing pairs",
        null_line=None,
        needs=("pictures", "sources"),
        minimum_n=1,
        bias="none from sample size; a blurred answer that is wrong everywhere a little scores above a sharp one that"
        " is shifted by a pixel",
        cost="reading both pictures of each pair: about 5 s for 1,000 pairs of 256 pixels",
        reference="Huynh-Thu and Ghanbari 2008, Scope of validity of PSNR in image/video quality assessment",
        definition="How small the mean squared difference of grey levels is between a sample and the image it was made"
        " from, in decibels; equal pictures count as 100.",
    )
)
def psnr(comparison: Comparison) -> Measurement:
    """Mean over pairs of 10 log10(1 / mean squared difference); as torchmetrics by image to 1e-6.

    torchmetrics' own total takes the logarithm of the mean over all images: that is `published`.
    """
    measured = compare_paired(comparison, "psnr", score, "Peak signal-to-noise ratio (dB)")
    scores = measured.per_image if measured.per_image is not None else np.empty(0)
    errors = 10.0 ** (-scores[np.isfinite(scores)] / 10.0)
    return replace(
        measured,
        published=-10.0 * float(np.log10(errors.mean())),
        published_note="Published code takes one logarithm of the error averaged over all images, so the worst images"
        " weigh most; here each image has its own value.",
    )


def score(source: Image, sample: Image) -> float:
    """Decibels of one pair."""
    return structural.psnr(*paired_levels(source, sample))
