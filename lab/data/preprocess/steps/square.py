"""Square crop or pad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lab.data.preprocess.geometry import FILLS, windowed
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="square",
    title="Square crop or pad",
    description="Makes the picture square about its centre, so that resizing does not stretch it.",
    stage="geometry",
    parameters=(
        Parameter(
            "mode", "How", "choice",
            "Pad keeps everything and adds empty border; crop keeps the middle and loses the ends of the long side.",
            choices=("pad", "crop"),
        ),
        Parameter(
            "fill", "Padding", "choice",
            "What the added border holds: the picture's darkest value, its nearest pixel, or zero.", choices=FILLS,
        ),
    ),
    notes=(
        Note("padded_share", "Pixels that are padding", "share"),
        Note("cropped_share", "Pixels cut away", "share"),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class Square(Step):
    """Square about the centre."""

    spec: ClassVar[StepSpec] = SPEC
    mode: str = "pad"
    fill: str = "zero"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Square of the longer side (pad) or the shorter one (crop)."""
        height, width = picture.image.shape[:2]
        side = max(height, width) if self.mode == "pad" else min(height, width)
        share = abs(side * side - height * width) / max(side * side, height * width)
        notes = {
            "padded_share": round(share, 4) if self.mode == "pad" else 0.0,
            "cropped_share": round(share, 4) if self.mode == "crop" else 0.0,
        }
        return windowed(picture, (height - side) // 2, (width - side) // 2, (side, side), self.fill, **notes)
