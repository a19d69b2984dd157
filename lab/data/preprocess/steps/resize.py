"""Resize to a stated size by a stated kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lab.data.preprocess.geometry import RESAMPLING, resized
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="resize",
    title="Resize",
    description="Brings every picture to one size; sides are stretched unless the picture is square already.",
    stage="geometry",
    parameters=(
        Parameter("height", "Height", "int", "Rows of the stored picture.", unit="px", low=16, high=4096),
        Parameter("width", "Width", "int", "Columns of the stored picture.", unit="px", low=16, high=4096),
        Parameter(
            "resampling", "Resampling", "choice",
            "Kernel with anti-aliasing. Use one kernel for real pictures and samples alike: distances between sets "
            "see the difference.",
            choices=RESAMPLING,
        ),
    ),
    notes=(
        Note("scale", "Size over the source's", "number"),
        Note("stretched", "Sides stretched against each other", "share"),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class Resize(Step):
    """Resize; masks keep the nearest label."""

    spec: ClassVar[StepSpec] = SPEC
    height: int = 256
    width: int = 256
    resampling: str = "bicubic"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Resized; `stretched` is how much one side was changed more than the other."""
        height, width = picture.image.shape[:2]
        down, across = self.height / height, self.width / width
        notes = {
            "scale": round(min(down, across), 4),
            "stretched": round(max(down, across) / min(down, across) - 1, 4),
        }
        return resized(picture, (self.height, self.width), self.resampling, **notes)
