"""End-diastole and end-systole of a cine: by the source's numbers, by the ventricle's area, or by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError

LV = 3


@dataclass(frozen=True)
class Phases:
    """The two moments, and how they were found.

    Attributes:
        ed, es: frame numbers from 0; equal where the volume has one frame only.
        rule: one sentence.
        areas: left ventricle's pixels by frame; empty where no mask was used.
    """

    ed: int
    es: int
    rule: str
    areas: tuple[int, ...] = ()

    def name(self, frame: int) -> str:
        """ "ED", "ES" or ""; "" also where the volume has one frame, for then nothing says which it is."""
        if self.ed == self.es:
            return ""
        return {self.ed: "ED", self.es: "ES"}.get(frame, "")


def named_phases(ed: int, es: int, frames: int, first: int = 0) -> Phases:
    """Phases from the source's own numbers.

    Args:
        ed, es: as the source gives them.
        frames: how many the volume has.
        first: number of the source's first frame: 1 for ACDC's Info.cfg, 0 for M&Ms' table.

    Raises:
        InputError: outside the volume, or both the same frame of several.
    """
    found = Phases(ed - first, es - first, "The source names the frames.")
    if not (0 <= found.ed < frames and 0 <= found.es < frames) or (found.ed == found.es and frames > 1):
        raise InputError(
            f"The frames named for end-diastole and end-systole do not lie among the {frames} of the volume; "
            "nothing was chosen; correct them, or choose frames by number."
        )
    return found


def phases_by_mask(masks: NDArray[Any], lv: int = LV) -> Phases:
    """ED where the left ventricle's cavity is largest over all slices, ES where it is smallest but present.

    Frames without any label count as not labelled and are passed over: public sets label two frames only.

    Args:
        masks: (T, Z, H, W) label images in the app's order.
        lv: label of the left ventricle's cavity.

    Raises:
        InputError: when no frame has the left ventricle.
    """
    areas = np.count_nonzero(masks == lv, axis=(1, 2, 3))
    labelled = np.flatnonzero(np.count_nonzero(masks, axis=(1, 2, 3)))
    if not areas.any():
        raise InputError(
            "No frame has a label for the left ventricle; nothing was chosen; check the label map, or choose "
            "frames by number."
        )
    ed = int(labelled[np.argmax(areas[labelled])])
    es = int(labelled[np.argmin(areas[labelled])])
    rule = f"Largest and smallest area of the left ventricle over {len(labelled)} labelled frames."
    return Phases(ed, es, rule, tuple(int(area) for area in areas))


def phases_by_rule(images: NDArray[Any]) -> Phases:
    """Without masks: ED is the first frame, as the recording is triggered by the R wave; ES is the least like it.

    "Least like" is the mean absolute difference in the middle half of every picture. It is a rule, not a
    measurement: pages show it and offer frames by number.

    Args:
        images: (T, Z, H, W).
    """
    height, width = images.shape[2:]
    middle = images[:, :, height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None]
    first = middle[0].astype(np.float32)
    apart = [float(np.mean(np.abs(frame.astype(np.float32) - first))) for frame in middle]
    es = int(np.argmax(apart))
    return Phases(0, es, "No masks: the first frame is taken for ED, the frame least like it for ES.")
