"""Text burned into pixels: no header can prove its absence, so a person looks, and the state is kept by image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data import licences

STATED_YES, STATED_NO, UNKNOWN = "stated yes", "stated no", "unknown"
REVIEWED_NONE, REVIEWED_PRESENT = "reviewed: none", "reviewed: present"
STATES = (STATED_YES, STATED_NO, UNKNOWN, REVIEWED_NONE, REVIEWED_PRESENT)
COLUMN = "burned_in"
"""Column of the manifest; sets whose images never came from a clinical archive do not have it."""

SHARE = 0.25
_LETTER = (5, 60)
"""Height of a letter in px, at least and at most."""


def may_be_shown(states: Iterable[str]) -> bool:
    """Whether no image of a set is in doubt: only a person's "reviewed: none" clears one.

    A file's own "no" does not: writers set it without looking. Images without a state ("") are of other kinds.
    """
    return all(state in ("", REVIEWED_NONE) for state in states)


def may_be_public(table: pd.DataFrame) -> bool:
    """Whether a manifest's images may be shown in public: by every licence, and with no text in pixels in doubt."""
    return licences.all_public(table["licence"]) and may_be_shown(table.get(COLUMN, ()))


def corners(image: NDArray[Any], share: float = SHARE) -> list[NDArray[Any]]:
    """The four corners of an image, top left, top right, bottom left, bottom right, for a person to look at.

    Args:
        image: (H, W) or (H, W, 3), any depth.
        share: of each edge, 0 to 0.5.
    """
    height, width = (max(1, int(np.ceil(edge * share))) for edge in image.shape[:2])
    return [
        image[:height, :width], image[:height, -width:], image[-height:, :width], image[-height:, -width:],
    ]  # fmt: skip


def text_score(image: NDArray[Any]) -> float:
    """How much a picture looks as if it held text, 0 to 1: to sort a review by, never to end one.

    Thin strokes far brighter or darker than what is around them, of a letter's size, three or more on one line.
    """
    return max(_line_score(crop) for crop in [*corners(image), image])


def _line_score(crop: NDArray[Any]) -> float:
    import cv2

    grey = _grey(crop)
    if min(grey.shape) < 8:
        return 0.0
    size = cv2.getStructuringElement(cv2.MORPH_RECT, (9, 9))
    best = 0
    for change in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = (cv2.morphologyEx(grey, change, size) > 70).astype(np.uint8)
        count, _, found, middles = cv2.connectedComponentsWithStats(strokes, connectivity=8)
        if count > 4000:  # noise or a texture, not text
            continue
        heights, widths, areas = found[1:, 3], found[1:, 2], found[1:, 4]
        letters = (heights >= _LETTER[0]) & (heights <= _LETTER[1]) & (widths <= 1.5 * heights) & (
            areas >= 0.12 * heights * widths
        ) & (areas > 8)  # fmt: skip
        best = max(best, _longest_line(middles[1:][letters], heights[letters]))
    return 0.0 if best < 3 else best / (best + 4)


def _longest_line(middles: NDArray[Any], heights: NDArray[Any]) -> int:
    """Number of letters on the fullest line: alike in height, level, and close to their neighbour."""
    best = 0
    for (x, y), height in list(zip(middles, heights, strict=True))[:600]:
        alike = (
            (np.abs(middles[:, 1] - y) < 0.35 * height)
            & (np.abs(heights - height) <= 0.35 * height)
            & (middles[:, 0] >= x)
        )
        line = np.sort(middles[alike, 0])
        gaps = np.diff(line) > 3.0 * height
        best = max(best, int(np.argmax(gaps)) + 1 if gaps.any() else len(line))
    return best


def _grey(crop: NDArray[Any]) -> NDArray[np.uint8]:
    """8 bits over the crop's own range; colour by its mean; large crops in steps."""
    grey = crop.astype(np.float32) if crop.ndim == 2 else crop.astype(np.float32).mean(axis=2)
    low, high = np.percentile(grey, (0.5, 99.9))
    step = max(1, int(np.ceil(max(grey.shape) / 1400)))
    scaled = np.clip((grey - low) / max(float(high - low), 1.0), 0, 1) * 255
    return np.ascontiguousarray(scaled[::step, ::step].astype(np.uint8))
