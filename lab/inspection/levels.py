"""Hints from a sample's grey levels: too dark, too bright, little contrast, whites cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.inspection.planes import grey

# Of the same 1,668 films: means from 34 to 223, the smallest contrast 20, at most 2.6 % of pixels at full white.
DARK, BRIGHT = 20.0, 235.0
LITTLE_CONTRAST = 15.0
CUT_WHITES = 0.05


@dataclass(frozen=True)
class Levels:
    """Grey levels of one sample.

    Attributes:
        mean: 0 to 255.
        contrast: 95th less 5th percentile, 0 to 255.
        white: share of pixels at 254 or above.
        hints: what is outside what films show, in a few words each.
    """

    mean: float
    contrast: float
    white: float
    hints: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, rounded."""
        return {
            "mean": round(self.mean, 1), "contrast": round(self.contrast, 1), "white": round(self.white, 4),
            "hints": list(self.hints),
        }  # fmt: skip


def levels_of(image: NDArray[Any]) -> Levels:
    """Grey levels of a (H, W) or (H, W, C) uint8 or uint16 image, and what is unusual about them."""
    plane = grey(image)
    low, high = np.percentile(plane, [5, 95])
    mean, contrast, white = float(plane.mean()), float(high - low), float((plane >= 254).mean())
    told = {
        "very dark": mean < DARK, "very bright": mean > BRIGHT, "little contrast": contrast < LITTLE_CONTRAST,
        "whites cut off": white > CUT_WHITES,
    }  # fmt: skip
    return Levels(mean, contrast, white, tuple(words for words, holds in told.items() if holds))
