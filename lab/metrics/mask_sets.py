"""The label maps that a metric on masks compares: those of the set, else what the segmenter finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison
from lab.metrics.inputs import MetricInput
from lab.metrics.mask_shapes import LabelMap
from lab.metrics.pictures import Pictures
from lab.metrics.points import Points

NONE = (
    "The samples have no masks, and no segmenter of this dataset is here; train one (python -m lab segmenter train"
    " DATASET) or give masks beside the samples."
)


@dataclass(frozen=True, eq=False)
class MaskSet:
    """Label maps of one side, in an order that is not the caller's.

    Args:
        rows: (k,) row of each in the caller's order; images without a mask are left out.
        patients: (k,).
        pictures: by row of the caller.
        found: how many come from the segmenter.
    """

    rows: NDArray[np.int64]
    patients: NDArray[np.str_]
    masks: tuple[Pictures | None, Pictures | None]
    found: int

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> LabelMap:
        row = int(self.rows[position])
        for pictures in self.masks:
            if pictures is not None and (mask := pictures[row]) is not None:
                return mask
        raise NotComputable(
            "A mask of these sets cannot be read; no number was computed; import the set again."
        )


def mask_set(side: Points | None, given: Pictures | None, segmented: Pictures | None) -> MaskSet | None:
    """Masks of a side: the given one of each image, else the segmenter's; None where there are none at all."""
    if side is None:
        return None
    kept, found = [], 0
    for position, row in enumerate(side.order):
        own = given is not None and given[int(row)] is not None
        other = not own and segmented is not None and segmented[int(row)] is not None
        if own or other:
            kept.append(position)
            found += other
    if not kept:
        return None
    at = np.asarray(kept, dtype=np.int64)
    return MaskSet(side.order[at], side.patients[at], (given, segmented), found)


def three_sides(comparison: Comparison) -> tuple[MaskSet, MaskSet, MaskSet | None]:
    """Masks of training images, samples and held-out images.

    Raises:
        NotComputable: where training images or samples have none.
    """
    given = comparison.given
    real = mask_set(comparison.real, given.real_masks, None)
    if real is None:
        raise NotComputable("The training images have no masks; choose a dataset with masks.")
    samples = mask_set(comparison.synthetic, given.synthetic_masks, given.synthetic_segmented)
    if samples is None:
        raise NotComputable(NONE)
    # Held-out images are judged as the samples are: by the segmenter where the samples are.
    own = (
        None
        if samples.found == len(samples) and given.held_out_segmented is not None
        else given.held_out_masks
    )
    return real, samples, mask_set(comparison.held_out, own, given.held_out_segmented)


def structure_name(given: MetricInput, value: int) -> str:
    """Name of a mask value."""
    return given.structures.get(value, f"structure {value}")
