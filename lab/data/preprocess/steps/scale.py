"""Scale to [-1, 1], the range the generators are trained in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="scale",
    title="Scale to -1 to 1",
    description="Stretches the picture so that its darkest pixel is -1 and its brightest 1.",
    stage="intensity",
    notes=(Note("scaled_from", "Range before scaling"),),
    gives="float",
)


@step
@dataclass(frozen=True)
class Scale(Step):
    """Affine scaling by the picture's own minimum and maximum."""

    spec: ClassVar[StepSpec] = SPEC

    def apply(self, picture: Picture, seed: int) -> Picture:
        """float32 in [-1, 1]; a picture of one value becomes 0 everywhere."""
        values = picture.image.astype(np.float32)
        low, high = float(values.min()), float(values.max())
        text = f"{low:.6g} to {high:.6g}"
        if high <= low:
            return picture.changed(np.zeros_like(values), scaled_from=f"{text} (one value: set to 0)")
        scaled = (values - np.float32(low)) / np.float32(high - low) * np.float32(2) - np.float32(1)
        return picture.changed(np.clip(scaled, -1, 1).astype(np.float32), scaled_from=text)
