"""Clip to percentiles: a few extreme pixels do not decide the contrast of all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="clip",
    title="Percentile clip",
    description="Sets everything below the low and above the high percentile of the picture to that percentile.",
    stage="intensity",
    parameters=(
        Parameter("low", "Low percentile", "float", "Usually 1.", unit="%", low=0, high=20, stride=0.1),
        Parameter(
            "high", "High percentile", "float",
            "99 is usual; 99.9 keeps bright blood and fat apart at the price of a darker heart.",
            unit="%", low=80, high=100, stride=0.1,
        ),
    ),
    notes=(
        Note("clip_low", "Low end, in the source's grey levels", "number"),
        Note("clip_high", "High end, in the source's grey levels", "number"),
        Note("clipped_share", "Pixels clipped", "share"),
    ),
    gives="float",
)  # fmt: skip


@step
@dataclass(frozen=True)
class Clip(Step):
    """Percentile clip of one picture by its own pixels."""

    spec: ClassVar[StepSpec] = SPEC
    low: float = 1.0
    high: float = 99.0

    def apply(self, picture: Picture, seed: int) -> Picture:
        """float32, unit as before, between the two percentiles (linear between pixels)."""
        values = picture.image.astype(np.float32)
        low, high = (float(end) for end in np.percentile(values, (self.low, self.high)))
        outside = float(((values < low) | (values > high)).mean())
        clipped = np.clip(values, np.float32(low), np.float32(high))
        return picture.changed(
            clipped, clip_low=round(low, 4), clip_high=round(high, 4), clipped_share=round(outside, 5)
        )
