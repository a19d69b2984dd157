"""Nearest distance: how many samples lie unusually near to a training image, for images that nobody copied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.held_out_halves import halves_by_patient
from lab.metrics.judged import Judged, Limit, flagged_pairs, histogram, limit_interval, mean, summarise
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "nearest-distance"
PERCENT = 5.0


@metric(
    MetricSpec(
        name=NAME,
        title="Unusually near samples",
        symbol="NN5",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="0.05: the limit is the distance below which one held-out image in twenty lies",
        null_line=0.05,
        needs=("features", "held-out"),
        minimum_n=20,
        bias="blur and collapse raise it without any copying; a set far from all real images scores 0; features of"
        " ImageNet networks miss copies with noise: try planted copies",
        cost="all distances from samples and held-out images to training images: under 1 s for 1,000 x 1,000 images",
        reference="nearest-neighbour distances are common; compared with held-out images as in Meehan et al. 2020",
        definition="The share of samples nearer to a training image than nineteen in twenty held-out images are.",
    )
)
def nearest_distance(comparison: Comparison) -> Measurement:
    """Share of samples whose nearest training image is nearer than the 5th percentile of held-out images' distances.

    The control halves the held-out patients: one half sets the limit, the other is judged, then they change places.
    The details give the median distances of both sides and their ratio. Per-image scores are distances over the limit.
    """
    held_out, pair = comparison.held_out, comparison.control
    if held_out is None or pair is None:
        raise NotComputable(
            "The nearest distance needs held-out images as its scale; choose a set with some."
        )
    ours, theirs = comparison.main.nearest.first, pair.nearest.first
    scale = Limit(Judged(held_out, theirs), PERCENT, below=True)
    limit, near = scale.value, scale.flags(ours)
    control = np.zeros(held_out.n)
    for judged, setting in halves_by_patient(held_out.patients, comparison.rng(NAME)):
        half = Limit(Judged(held_out, theirs[setting]), PERCENT, below=True)
        control[judged] = half.flags(theirs[judged])
    ranked = Judged(comparison.synthetic, ours, comparison.main.nearest.rows[:, 0])
    middle = {"samples": float(np.median(ours)), "held-out images": float(np.median(theirs))}
    details = {
        "limit": limit,
        "rule": {"below": 1.0},
        "median_ratio": middle["samples"] / max(middle["held-out images"], 1e-300),
        "bars": {f"Median distance of {side}": value for side, value in middle.items()},
        "histogram": histogram(ours, theirs, "Distance to the nearest training image"),
        "flagged": flagged_pairs(ranked, comparison.real, near > 0),
    }
    found = summarise(
        comparison, Judged(comparison.synthetic, near), Judged(held_out, control), mean, NAME, details
    )
    low, high = limit_interval(ranked, scale, comparison.rng(f"{NAME} interval"))
    relative = comparison.synthetic.in_given_order(ours / max(limit, 1e-300))
    return replace(found, low=low, high=high, per_image=relative)
