"""Likeness inside a class: random pairs of samples of one label beside pairs of real images of one label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import CONTROL_PAIRS, Score, pairs_within, scored_pairs
from lab.metrics.pictures import Pictures
from lab.metrics.points import Points
from lab.metrics.score_means import Scored, histogram, measure_means
from lab.metrics.spec import MetricOption

PAIRS = MetricOption(
    "pairs",
    "Pairs of samples",
    2000,
    10,
    2000,
    "Pairs drawn at random; real images give at most 500 for comparison.",
)


def compare_classes(comparison: Comparison, name: str, score: Score, x_title: str) -> Measurement:
    """Mean score of random pairs of samples with one label; of real images for control and floor.

    A pair has one label where images have labels (any two images else), and two patients. The interval draws patients
    with replacement and counts a pair as often as both of its patients are drawn.

    Args:
        comparison: the sets with pictures.
        name: of the metric, for options and draws.
        score: of two pictures.
        x_title: of the histogram.

    Raises:
        NotComputable: where no two samples share a label.
    """
    given = comparison.given
    most = int(comparison.option(name, "pairs", PAIRS.default))
    main = _scored(
        comparison, name, comparison.synthetic, given.synthetic_pictures, given.synthetic_labels, most, score
    )
    if main is None:
        raise NotComputable("No two samples share a label; generate two or more a label and measure again.")
    few = min(most, CONTROL_PAIRS)
    control = _scored(
        comparison, name, comparison.held_out, given.held_out_pictures, given.held_out_labels, few, score
    )
    floor = _scored(comparison, name, comparison.real, given.real_pictures, given.real_labels, few, score)
    note = f"{len(main.values)} pairs of samples."
    held_out = None if control is None else control.values
    details = {"histogram": histogram(main.values, held_out, x_title)}
    return measure_means(comparison, name, main, control, floor, None, note, details)


def _scored(
    comparison: Comparison,
    name: str,
    side: Points | None,
    pictures: Pictures | None,
    labels: NDArray[np.str_] | None,
    most: int,
    score: Score,
) -> Scored | None:
    if side is None or pictures is None:
        return None
    told = None if labels is None else np.asarray(labels).astype(str)[side.order]
    which = "real" if side is comparison.real else "held-out" if side is comparison.held_out else "samples"
    pairs = pairs_within(side, told, most, comparison.rng(f"{name} {which}"))
    return scored_pairs(side, pictures, pairs, score) if len(pairs) else None
