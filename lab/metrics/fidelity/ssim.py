"""Structural similarity of samples and the images they were made from."""

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
        name="ssim",
        title="Structural similarity",
        symbol="SSIM",
        axis="fidelity",
        direction="higher",
        low=-1.0,
        high=1.0,
        null="the held-out line: held-out images beside training images drawn at random, which nothing pairs",
        null_line=None,
        needs=("pictures", "sources"),
        minimum_n=1,
        bias="none from sample size; large dark borders raise it, because empty windows agree",
        cost="about 10 ms a pair of 256 pixels: 15 s for 1,000 pairs and their control",
        reference="Wang et al. 2004, Image quality assessment: from error visibility to structural similarity",
        definition="How alike brightness, contrast and structure are in small windows of a sample and of the image it"
        " was made from; 1 for equal pictures.",
    )
)
def ssim(comparison: Comparison) -> Measurement:
    """Mean over pairs; whole 11-pixel windows only, as scikit-image and piq to 1e-6; `published` as torchmetrics."""
    measured = compare_paired(comparison, "ssim", score, "Structural similarity", mirrored)
    return replace(
        measured,
        published_note="Published code (torchmetrics) mirrors the borders and counts the windows there as well; the"
        " definition counts whole windows only.",
    )


def score(source: Image, sample: Image) -> float:
    """Structural similarity of one pair."""
    return structural.ssim(*paired_levels(source, sample))


def mirrored(source: Image, sample: Image) -> float:
    """The same with mirrored borders."""
    return structural.ssim(*paired_levels(source, sample), reflected=True)
