"""Copied masks: the share of samples whose mask is a training mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.mask_overlaps import best_matches, stacked
from lab.metrics.mask_sets import three_sides
from lab.metrics.registry import metric
from lab.metrics.score_means import Scored, histogram, measure_means
from lab.metrics.spec import MetricOption, MetricSpec

LIMIT = MetricOption(
    "limit",
    "Copy from Dice",
    0.99,
    0.5,
    1.0,
    "A mask that overlaps a training mask more than this counts as its copy.",
)


@metric(
    MetricSpec(
        name="mask-copy-share",
        title="Copied masks",
        symbol="Mask copies",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line, about 0: no held-out anatomy overlaps a training mask to 99 %",
        null_line=None,
        needs=("pictures", "masks"),
        minimum_n=1,
        bias="none from sample size at this limit; a sample made from a training mask on request has that mask, which"
        " is a copy by order and not by memory",
        cost="overlaps of samples and training masks in blocks: about 10 s for 1,000 x 1,000 masks of 128 pixels",
        reference="Kumarasinghe et al. 2026, nearest-neighbour audit of synthetic cardiac masks: largest Dice above"
        " 0.99",
        definition="The share of samples whose mask overlaps one training mask by more than 99 %, all structures"
        " taken.",
        options=(LIMIT,),
    )
)
def mask_copy_share(comparison: Comparison) -> Measurement:
    """Share of masks whose largest mean Dice with a training mask lies above the limit; masks at 128 pixels."""
    real, samples, held_out = three_sides(comparison)
    limit = comparison.option("mask-copy-share", "limit", LIMIT.default)
    training = stacked(real)
    best, which = best_matches(stacked(samples), training)
    main = Scored((best > limit).astype(np.float64), samples.patients, share=True)
    control, theirs = None, None
    if held_out is not None:
        theirs = best_matches(stacked(held_out), training)[0]
        control = Scored((theirs > limit).astype(np.float64), held_out.patients, share=True)
    per_image = np.full(comparison.given.n_synthetic, np.nan)
    per_image[samples.rows] = best
    order = np.argsort(-best, kind="stable")[:50]
    details: dict[str, Any] = {
        "rule": {"above": limit},
        "histogram": histogram(best, theirs, "Largest Dice with a training mask"),
        "flagged": [
            {
                "sample": int(samples.rows[at]),
                "training": int(real.rows[which[at]]),
                "score": round(float(best[at]), 4),
            }
            for at in order
            if best[at] > limit
        ],
        "mean_best_match": round(float(best.mean()), 5),
    }
    note = f"{samples.found} masks are the segmenter's." if samples.found else ""
    return measure_means(comparison, "mask-copy-share", main, control, control, per_image, note, details)
