"""What a segmenter finds in a sample beside the mask the sample was asked for, structure by structure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.mask_sets import structure_name
from lab.metrics.mask_shapes import LabelMap, Shape, at_side
from lab.metrics.pictures import Pictures
from lab.metrics.points import Points
from lab.metrics.score_means import Scored, histogram, measure_means

Floats = NDArray[np.float64]
Overlap = Callable[[Shape, Shape], float]
FLOOR_IMAGES = 200


class Agreements:
    """Values by image and structure; a structure asked for and not found is missing, one found and not asked is added.

    Args:
        measure: of (asked, found) shapes.
        lost: value of a structure that is missing, from the picture's height and width.
    """

    def __init__(self, measure: Overlap, lost: Callable[[int, int], float]) -> None:
        self._measure = measure
        self._lost = lost
        self.values: dict[int, list[float]] = {}
        self.missing: dict[int, int] = {}
        self.added: dict[int, int] = {}
        self.finite: list[float] = []

    def of(self, asked: LabelMap, found: LabelMap) -> float:
        """Mean over the structures of the asked mask, background excluded; NaN where it has none."""
        found = at_side(found, *asked.shape)
        scores = []
        for value in (int(one) for one in np.unique(asked) if one != 0):
            part = found == value
            if part.any():
                score = self._measure(asked == value, part)
                self.finite.append(score)
            else:
                score = self._lost(*asked.shape)
                self.missing[value] = self.missing.get(value, 0) + 1
            self.values.setdefault(value, []).append(score)
            scores.append(score)
        for value in (int(one) for one in np.unique(found) if one != 0 and not (asked == one).any()):
            self.added[value] = self.added.get(value, 0) + 1
        return float(np.mean(scores)) if scores else math.nan


def compare_masks(
    comparison: Comparison, name: str, measure: Overlap, lost: Callable[[int, int], float], x_title: str
) -> Measurement:
    """Mean agreement of samples with their masks; the segmenter on held-out and training images beside it.

    Args:
        comparison: the sets.
        name: of the metric.
        measure: of one structure, (asked, found).
        lost: what a missing structure counts, from height and width.
        x_title: of the histogram.

    Raises:
        NotComputable: where no sample was asked for a mask, or there is no segmenter.
    """
    given = comparison.given
    if given.synthetic_segmented is None:
        raise NotComputable(
            "There is no segmenter for this dataset; train one (python -m lab segmenter train DATASET), then"
            " measure again."
        )
    sums = Agreements(measure, lost)
    main, per_image = _side(
        comparison.synthetic, given.synthetic_masks, given.synthetic_segmented, sums, None
    )
    if main is None:
        raise NotComputable(
            "No sample was asked for a mask, so there is nothing its anatomy should agree with."
        )
    theirs = Agreements(measure, lost)
    control, _ = _side(comparison.held_out, given.held_out_masks, given.held_out_segmented, theirs, None)
    floor, _ = _side(
        comparison.real, given.real_masks, given.real_segmented, Agreements(measure, lost), FLOOR_IMAGES
    )
    note = _note(sums, len(main.values), given.n_synthetic)
    held_out = None if control is None else control.values
    details: dict[str, Any] = {
        "table": _table(comparison, sums, theirs),
        "histogram": histogram(main.values, held_out, x_title),
        "finite_mean": float(np.mean(sums.finite)) if sums.finite else None,
    }
    return measure_means(comparison, name, main, control, floor, per_image, note, details)


def _side(
    side: Points | None, masks: Pictures | None, found: Pictures | None, sums: Agreements, most: int | None
) -> tuple[Scored | None, Floats]:
    """Scores of a side in its own order, and by the caller's rows."""
    if side is None or masks is None or found is None:
        return None, np.empty(0)
    per_image = np.full(len(side.order), np.nan)
    kept: list[int] = []
    for position, row in enumerate(side.order):
        if most is not None and len(kept) == most:
            break
        asked = masks[int(row)]
        answer = found[int(row)] if asked is not None else None
        if asked is None or answer is None or math.isnan(score := sums.of(asked, answer)):
            continue
        per_image[int(row)] = score
        kept.append(position)
    if not kept:
        return None, per_image
    return Scored(per_image[side.order[kept]], side.patients[kept]), per_image


def _note(sums: Agreements, compared: int, n: int) -> str:
    told = []
    if compared < n:
        told.append(f"{n - compared} samples were asked for no structure.")
    if sums.missing:
        told.append(
            f"{sum(sums.missing.values())} structures that were asked for are missing; each counts as lost."
        )
    if sums.added:
        told.append(f"{sum(sums.added.values())} structures are there that nobody asked for.")
    return " ".join(told)


def _table(comparison: Comparison, sums: Agreements, theirs: Agreements) -> list[dict[str, Any]]:
    rows = []
    for value in sorted({*sums.values, *sums.added}):
        scores, control = sums.values.get(value, []), theirs.values.get(value, [])
        rows.append(
            {
                "structure": structure_name(comparison.given, value),
                "samples": round(float(np.mean(scores)), 4) if scores else None,
                "held-out": round(float(np.mean(control)), 4) if control else None,
                "asked for": len(scores),
                "missing": sums.missing.get(value, 0),
                "not asked for": sums.added.get(value, 0),
            }
        )
    return rows
