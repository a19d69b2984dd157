"""Two samples subtracted: where they differ, by how much, on which side, and in which colours that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.pixels import to_grey8

SCALES = (8, 16, 32, 64, 128)
"""Grey levels at the ends of the colour scale: round numbers, one for all cells of a grid."""
CHANGED = 8
"""A pixel counts as changed from this many grey levels on: below it nobody sees a difference."""
# From "darker than the reference" over "equal" to "brighter": told apart by colour-blind eyes, dark where nothing
# changed, so that a reading room stays dark.
_STOPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_COLOURS = ((158, 214, 255), (45, 116, 206), (16, 20, 24), (201, 92, 28), (255, 217, 150))


@dataclass(frozen=True)
class Change:
    """How one sample differs from its reference.

    Attributes:
        mean: mean absolute difference in grey levels of 8 bits, 0 to 255.
        changed: share of pixels that differ by 8 grey levels or more, 0 to 1.
        left: share of the absolute difference in the left half of the picture (the patient's right in a radiograph),
            0 to 1; 0.5 where nothing differs.
    """

    mean: float
    changed: float
    left: float

    @property
    def right(self) -> float:
        """Share of the absolute difference in the right half of the picture."""
        return 1.0 - self.left


def difference(sample: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.int16] | None:
    """The sample minus its reference in grey levels of 8 bits.

    Args:
        sample, reference: (H, W) or (H, W, 3), uint8 or uint16; colour is compared by its luma.

    Returns:
        (H, W) int16, -255 to 255; None where the two are of different sizes and nothing can be said.
    """
    if sample.shape[:2] != reference.shape[:2]:
        return None
    return to_grey8(sample).astype(np.int16) - to_grey8(reference).astype(np.int16)


def change(delta: NDArray[np.int16]) -> Change:
    """The figures of a difference, (H, W) int16; an odd middle column belongs to both halves by half."""
    size = np.abs(delta.astype(np.float64))
    total, columns = float(size.sum()), size.sum(axis=0)
    half = len(columns) // 2
    left = float(columns[:half].sum()) + (0.5 * float(columns[half]) if len(columns) % 2 else 0.0)
    return Change(float(size.mean()), float((size >= CHANGED).mean()), left / total if total else 0.5)


def scale_of(deltas: Sequence[NDArray[np.int16]]) -> int:
    """The smallest scale of `SCALES` that holds 98 % of the pixels of every difference."""
    highest = max((float(np.percentile(np.abs(delta), 98)) for delta in deltas), default=0.0)
    return next((scale for scale in SCALES if scale >= highest), SCALES[-1])


def coloured(delta: NDArray[np.int16], scale: int) -> NDArray[np.uint8]:
    """A difference in colours, (H, W, 3) uint8: blue is darker than the reference, orange brighter, dark is equal.

    Args:
        delta: (H, W) int16.
        scale: grey levels at which a colour reaches its end.
    """
    part = np.clip(delta.astype(np.float64) / max(1, scale), -1.0, 1.0)
    channels = [np.interp(part, _STOPS, [colour[at] for colour in _COLOURS]) for at in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def css_gradient() -> str:
    """The colour scale from -1 to 1 as the inside of a CSS linear-gradient."""
    return ", ".join(
        f"rgb{colour} {50 * (stop + 1):g}%" for stop, colour in zip(_STOPS, _COLOURS, strict=True)
    )
