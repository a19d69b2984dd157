"""Likeness inside a class by multi-scale structural similarity."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.intra_class import PAIRS, compare_classes
from lab.metrics.levels import at_size, grey, levels
from lab.metrics.pictures import Image
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.structural import ms_ssim

SIDE = 128


@metric(
    MetricSpec(
        name="intra-class-ms-ssim",
        title="Likeness inside a class",
        symbol="MS-SSIM in class",
        axis="diversity",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line: pairs of held-out images of one label and two patients",
        null_line=None,
        needs=("pictures",),
        minimum_n=2,
        bias="none from sample size; large dark borders raise it, and so does blur: blurred images are alike",
        cost="about 1 ms a pair and the reading of two pictures: 15 s for 2,000 pairs beside 1,000 real ones",
        reference="Odena et al. 2017, Conditional image synthesis with auxiliary classifier GANs",
        definition="How alike two samples of one label are, over random pairs; 1 when all samples are the same.",
        options=(PAIRS,),
    )
)
def intra_class_ms_ssim(comparison: Comparison) -> Measurement:
    """Mean over random pairs, grey, both squashed to 128 pixels; per pair as piq's formula to 1e-6 with four scales."""
    return compare_classes(comparison, "intra-class-ms-ssim", score, "Likeness of a pair (MS-SSIM)")


def score(first: Image, second: Image) -> float:
    """Likeness of two pictures of any sizes; smaller ones are enlarged, which leaves fewer details to differ."""
    a, b = (at_size(grey(levels(image)), SIDE, SIDE) for image in (first, second))
    return ms_ssim(a, b)
