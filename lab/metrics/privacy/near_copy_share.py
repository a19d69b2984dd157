"""Near-copy share: how many samples the calibrated detectors call a near-copy of a training image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.guards import NOT_CALIBRATED
from lab.metrics.judged import FLAGGED
from lab.metrics.per_image import compare_shares
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="near-copy-share",
        title="Near-copy share",
        symbol="NC",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="about 0.01: the detectors are set so that one image in a hundred of another patient is"
        " called a near-copy by chance",
        null_line=0.01,
        needs=("features", "near-copy", "held-out"),
        minimum_n=5,
        bias="none from the number of samples; a detector that misses a kind of copy lowers it, so read"
        " the canary rates beside it",
        cost="none of its own: the verdicts come from the neighbour search",
        reference="Carlini et al. 2023, Extracting training data from diffusion models; threshold"
        " calibrated on real images here",
        definition="The share of samples so close to a training image that fewer than one in a hundred"
        " real images of other patients comes as close.",
    )
)
def near_copy_share(comparison: Comparison) -> Measurement:
    """Share of samples with verdict "near-copy"; control: the share of held-out images with that verdict.

    The details hold the flagged samples beside their training images, at most 50.
    """
    given = comparison.given
    if given.near_copy is None or given.control_near_copy is None or comparison.held_out is None:
        raise NotComputable(f"The near-copy share {NOT_CALIBRATED}")
    measured = compare_shares(
        comparison, comparison.held_out, given.near_copy, given.control_near_copy, "near-copy-share"
    )
    if given.near_copy_of is None:
        return measured
    pairs = [
        {"sample": int(row), "training": int(given.near_copy_of[row])}
        for row in np.flatnonzero(given.near_copy)
        if given.near_copy_of[row] >= 0
    ]
    return replace(measured, details={**measured.details, "flagged": pairs[:FLAGGED]})
