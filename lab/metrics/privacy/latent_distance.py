"""Latent distance: how far a sample's features lie from those of the training image its prompt belongs to."""

from __future__ import annotations

import numpy as np

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.points import squared_distances
from lab.metrics.registry import metric
from lab.metrics.source_pairs import FLOOR, Floats, Rows, Side, measured, paired, prompt_details
from lab.metrics.spec import MetricSpec

NAME = "latent-distance"


@metric(
    MetricSpec(
        name=NAME,
        title="Latent distance to the prompt's image",
        symbol="d latent",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: the distance of images of other patients in the samples' place",
        null_line=None,
        needs=("features", "sources"),
        minimum_n=2,
        bias="its scale is that of the feature extractor, so numbers of two extractors cannot be compared; blurred or"
        " unnatural samples lie far from every real image and look private",
        cost="one subtraction of feature vectors for each sample: well under a second for 1,000 samples",
        reference="CheXGenBench (arXiv 2505.10496), which takes RAD-DINO's 768 features",
        definition="The Euclidean distance between the features of a sample and of the training image its prompt"
        " belongs to, divided by the square root of their number, averaged over each prompt and then over prompts.",
        floor=FLOOR,
    )
)
def latent_distance(comparison: Comparison) -> Measurement:
    """Mean over prompts of the mean L2 / sqrt(d). Null: the held-out line. Tolerance: direct differences, 1e-12."""
    given = comparison.given
    sides = {"synthetic": given.synthetic, "held_out": given.held_out, "real": given.real}

    def distance(side: Side, rows: Rows, other: Side, others: Rows) -> Floats:
        images, beside = sides[side], sides[other]
        assert images is not None and beside is not None  # noqa: S101 - asked for only where there are some
        first, second = images[rows].astype(np.float64), beside[others].astype(np.float64)
        return np.asarray(np.sqrt(squared_distances(first, second) / given.dimension))

    found = paired(comparison, distance, "low", NAME)
    return measured(comparison, found, NAME, details=prompt_details(found, "min", "Latent distance"))
