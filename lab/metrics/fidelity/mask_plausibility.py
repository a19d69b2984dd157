"""Plausible masks: structures that are there, whole, closed where they are rings, of a size and shape seen before."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.mask_rules import FAULTS, SHARE, MaskRules, learn_rules
from lab.metrics.mask_sets import MaskSet, structure_name, three_sides
from lab.metrics.mask_shapes import MaskShape, shape_of
from lab.metrics.registry import metric
from lab.metrics.score_means import Scored, measure_means
from lab.metrics.spec import MetricOption, MetricSpec


@metric(
    MetricSpec(
        name="mask-plausibility",
        title="Plausible masks",
        symbol="Plausible",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: held-out masks break a rule now and then, more often where training masks are few",
        null_line=None,
        needs=("pictures", "masks"),
        minimum_n=1,
        bias="rises with the number of training masks, whose ranges widen; a copied mask is always plausible",
        cost="about 1 ms a mask of 128 pixels with three structures: 5 s for 1,000 x 1,000 images",
        reference="Kumarasinghe et al. 2026, the evaluation framework for synthetic cardiac MRI: area, roundness,"
        " pieces",
        definition="The share of samples whose anatomy keeps every rule that most training masks keep: structures"
        " there, in one piece, rings closed, area and roundness as seen before.",
        options=(
            MetricOption(
                "share",
                "Rule kept by",
                SHARE,
                0.5,
                1.0,
                "Share of training masks that must keep a rule to make it one.",
            ),
        ),
    )
)
def mask_plausibility(comparison: Comparison) -> Measurement:
    """Share of masks without a broken rule; masks of the samples where they have some, else the segmenter's.

    The floor are the training masks themselves, judged by their own rules.
    """
    real, samples, held_out = three_sides(comparison)
    shapes = [shape_of(real[at]) for at in range(len(real))]
    rules = learn_rules(shapes, comparison.option("mask-plausibility", "share", SHARE))
    own = _judge(real, shapes, rules)
    mine = [shape_of(samples[at]) for at in range(len(samples))]
    main = _judge(samples, mine, rules)
    theirs = [] if held_out is None else [shape_of(held_out[at]) for at in range(len(held_out))]
    control = None if held_out is None else _judge(held_out, theirs, rules)
    per_image = np.full(comparison.given.n_synthetic, np.nan)
    per_image[samples.rows] = main.values
    told = [f"{samples.found} masks are the segmenter's."] if samples.found else []
    if len(samples) < comparison.given.n_synthetic:
        told.append(f"{comparison.given.n_synthetic - len(samples)} samples have no mask.")
    details: dict[str, Any] = {
        "bars": _faults(mine, rules),
        "table": _table(comparison, rules, {"training": shapes, "held-out": theirs, "samples": mine}),
        "flagged": [
            {"sample": int(samples.rows[at]), "score": float(len(rules.broken(mine[at])))}
            for at in np.flatnonzero(main.values == 0)[:50]
        ],
    }
    return measure_means(
        comparison, "mask-plausibility", main, control, own, per_image, " ".join(told), details
    )


def _judge(masks: MaskSet, shapes: list[MaskShape], rules: MaskRules) -> Scored:
    return Scored(
        np.asarray([float(not rules.broken(shape)) for shape in shapes]), masks.patients, share=True
    )


def _faults(shapes: list[MaskShape], rules: MaskRules) -> dict[str, float]:
    """Share of samples with each kind of fault."""
    broken = [rules.broken(shape) for shape in shapes]
    return {fault: round(float(np.mean([fault in one for one in broken])), 4) for fault in FAULTS}


def _table(
    comparison: Comparison, rules: MaskRules, sides: dict[str, list[MaskShape]]
) -> list[dict[str, Any]]:
    rows = []
    for value in sorted({v for shapes in sides.values() for shape in shapes for v in shape.structures}):
        row: dict[str, Any] = {"structure": structure_name(comparison.given, value)}
        inside = sorted(structure_name(comparison.given, b) for a, b in rules.rings if a == value)
        row["ring around"] = " and ".join(inside)
        for side, shapes in sides.items():
            found = [shape.structures[value] for shape in shapes if value in shape.structures]
            if not shapes:
                continue
            row[f"{side}: there"] = round(len(found) / len(shapes), 4)
            row[f"{side}: area"] = round(float(np.mean([one.area for one in found])), 5) if found else None
            row[f"{side}: roundness"] = (
                round(float(np.mean([one.roundness for one in found])), 4) if found else None
            )
            row[f"{side}: whole"] = (
                round(float(np.mean([one.pieces == 1 for one in found])), 4) if found else None
            )
        rows.append(row)
    return rows
