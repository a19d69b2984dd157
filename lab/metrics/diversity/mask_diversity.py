"""Variety of masks: how little two masks of a set overlap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import CONTROL_PAIRS, pairs_within
from lab.metrics.mask_overlaps import overlap, stacked
from lab.metrics.mask_sets import MaskSet, structure_name, three_sides
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.score_means import Scored, histogram, measure_means
from lab.metrics.spec import MetricOption, MetricSpec

PAIRS = MetricOption("pairs", "Pairs of masks", 2000, 10, 20000, "Pairs of samples drawn at random.")


@metric(
    MetricSpec(
        name="mask-diversity",
        title="Variety of masks",
        symbol="1 - Dice",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: pairs of held-out masks of two patients",
        null_line=None,
        needs=("pictures", "masks"),
        minimum_n=2,
        bias="none from sample size; where the anatomy lies in the picture counts as variety as well as its form",
        cost="about 0.1 ms a pair of 128 pixels: 2 s for 2,000 pairs beside 1,000 real ones",
        reference="Kumarasinghe et al. 2026, the evaluation framework for synthetic cardiac MRI: pairwise Dice",
        definition="One minus the mean overlap of two masks of the set, over random pairs and all structures; 0 when"
        " all masks are the same.",
        options=(PAIRS,),
    )
)
def mask_diversity(comparison: Comparison) -> Measurement:
    """Mean of 1 - Dice over random pairs of different patients; `published` is the mean Dice itself."""
    real, samples, held_out = three_sides(comparison)
    most = int(comparison.option("mask-diversity", "pairs", PAIRS.default))
    main, masks, pairs = _scored(comparison, samples, most, "samples")
    if main is None:
        raise NotComputable("There are no two samples with masks; add samples.")
    control = _scored(comparison, held_out, CONTROL_PAIRS, "held-out")[0] if held_out is not None else None
    floor = _scored(comparison, real, CONTROL_PAIRS, "training")[0]
    details: dict[str, Any] = {
        "bars": _by_structure(comparison, masks, pairs),
        "histogram": histogram(
            main.values, None if control is None else control.values, "1 - Dice of a pair"
        ),
    }
    measured = measure_means(
        comparison, "mask-diversity", main, control, floor, None, f"{len(pairs)} pairs of samples.", details
    )
    return replace(
        measured,
        published=1.0 - measured.value,
        published_note="Published code gives the mean Dice of pairs, of which less is more variety.",
    )


def _scored(
    comparison: Comparison, side: MaskSet, most: int, purpose: str
) -> tuple[Scored | None, NDArray[np.uint8], NDArray[np.int64]]:
    masks = stacked(side)
    points = Points(np.empty((len(side), 0)), side.patients, side.rows, None, 0)
    pairs = pairs_within(points, None, most, comparison.rng(f"mask-diversity {purpose}"))
    if not len(pairs):
        return None, masks, pairs
    values = np.asarray([1.0 - overlap(masks[a], masks[b]) for a, b in pairs])
    return Scored(values, side.patients[pairs[:, 0]], side.patients[pairs[:, 1]]), masks, pairs


def _by_structure(
    comparison: Comparison, masks: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> dict[str, float]:
    """Mean 1 - Dice of each structure over the pairs in which either mask shows it."""
    bars = {}
    for value in (int(one) for one in np.unique(masks) if one != 0):
        shape = masks == value
        sizes = shape.sum(axis=1)
        scores = [
            1.0 - 2.0 * (shape[a] & shape[b]).sum() / (sizes[a] + sizes[b])
            for a, b in pairs
            if sizes[a] + sizes[b]
        ]
        if scores:
            bars[structure_name(comparison.given, value)] = round(float(np.mean(scores)), 4)
    return bars
