"""Anatomy fidelity by overlap: the structures in a sample beside those it was asked for."""

from __future__ import annotations

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.mask_agreement import compare_masks
from lab.metrics.mask_shapes import dice
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="mask-dice",
        title="Overlap with the mask asked for",
        symbol="Dice",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: the same segmenter on held-out images and their own masks, the best to expect",
        null_line=None,
        needs=("pictures", "masks"),
        minimum_n=1,
        bias="none from sample size; it can be no better than the segmenter, so read it against the held-out line",
        cost="one pass of a small network an image: about 20 s for 1,000 x 1,000 images on two cores",
        reference="Dice 1945; Kumarasinghe et al. 2026, the evaluation framework for synthetic cardiac MRI",
        definition="How far the structures a segmenter finds in a sample overlap those of the mask it was asked for;"
        " background does not count, a missing structure counts 0.",
    )
)
def mask_dice(comparison: Comparison) -> Measurement:
    """Mean over samples of the mean Dice over the structures asked for; by structure as MONAI to 1e-6."""
    return compare_masks(comparison, "mask-dice", dice, lambda height, width: 0.0, "Dice of a sample")
