"""Multi-scale structural similarity of samples and the images they were made from."""

from __future__ import annotations

from dataclasses import replace

from lab.metrics import structural
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import compare_paired, paired_levels
from lab.metrics.pictures import Image
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="ms-ssim",
        title="Multi-scale structural similarity",
        symbol="MS-SSIM",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: held-out images beside training images drawn at random, which nothing pairs",
        null_line=None,
        needs=("pictures", "sources"),
        minimum_n=1,
        bias="none from sample size; five scales need 176 pixels, smaller pictures take fewer, whose exponents are"
        " scaled to the same sum",
        cost="about 10 ms a pair of 256 pixels: 20 s for 1,000 pairs and their control",
        reference="Wang et al. 2003, Multiscale structural similarity for image quality assessment",
        definition="Structural similarity of a sample and the image it was made from, taken at full size and at halves"
        " of it, multiplied with published weights; 1 for equal pictures.",
    )
)
def ms_ssim(comparison: Comparison) -> Measurement:
    """Mean over pairs; five scales as piq to 1e-6; `published` as torchmetrics to 1e-5."""
    measured = compare_paired(comparison, "ms-ssim", score, "Multi-scale structural similarity", published)
    if measured.published is None:
        return measured
    return replace(
        measured,
        published_note="Published code (torchmetrics, as the cardiac benchmark calls it) mirrors the borders of the"
        " last scale, and below 177 pixels takes four scales with exponents that do not add up to 1.",
    )


def score(source: Image, sample: Image) -> float:
    """Multi-scale structural similarity of one pair."""
    return structural.ms_ssim(*paired_levels(source, sample))


def published(source: Image, sample: Image) -> float | None:
    """The value of torchmetrics, None for pictures it refuses."""
    return structural.ms_ssim_published(*paired_levels(source, sample))
