"""Learned perceptual distance of samples and the images they were made from."""

from __future__ import annotations

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import compare_paired
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="lpips",
        title="Learned perceptual distance",
        symbol="LPIPS",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: held-out images beside training images drawn at random, which nothing pairs",
        null_line=None,
        needs=("pictures", "sources", "perceptual"),
        minimum_n=1,
        bias="none from sample size; the network learnt on photographs, so it is blind to what photographs lack",
        cost="two passes through VGG-16 a pair: about 0.5 s at 256 pixels on one core, 10 minutes for 1,000 pairs",
        reference="Zhang et al. 2018, The unreasonable effectiveness of deep features as a perceptual metric",
        definition="How far a sample lies from the image it was made from in the layers of a network for photographs,"
        " weighted by people's judgements; 0 for equal pictures.",
    )
)
def lpips(comparison: Comparison) -> Measurement:
    """Mean over pairs of LPIPS 0.1 on VGG-16 at the pictures' own size; as torchmetrics to 1e-4."""
    distance = comparison.given.perceptual
    if distance is None:
        raise NotComputable(
            "LPIPS needs weights that are not on this machine; see the library of extractors."
        )
    return compare_paired(comparison, "lpips", distance, "Learned perceptual distance")
