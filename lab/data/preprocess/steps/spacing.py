"""Resample to one pixel spacing, so that a centimetre is as many pixels in every picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lab.data.preprocess.geometry import RESAMPLING, resized
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step
from lab.errors import InputError

MAX_SIDE = 4096
SPEC = StepSpec(
    name="spacing",
    title="Resample to spacing",
    description="Makes a pixel the same number of millimetres in every picture.",
    stage="geometry",
    parameters=(
        Parameter(
            "millimetres", "Pixel spacing", "float",
            "Target in both directions. 1.5 mm puts a whole heart inside 128 pixels.",
            unit="mm", low=0.1, high=10, stride=0.05,
        ),
        Parameter(
            "unknown", "Where the spacing is not known", "choice",
            "Leave keeps the picture's pixels and says so; refuse stops.", choices=("leave", "refuse"),
        ),
        Parameter("resampling", "Resampling", "choice", "Kernel with anti-aliasing.", choices=RESAMPLING),
    ),
    notes=(Note("resampled", "Resampled to spacing"),),
)  # fmt: skip


@step
@dataclass(frozen=True)
class Spacing(Step):
    """Resample to one spacing; masks keep the nearest label."""

    spec: ClassVar[StepSpec] = SPEC
    millimetres: float = 1.5
    unknown: str = "leave"
    resampling: str = "lanczos"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Resampled to `millimetres`; the spacing kept is the exact one of the whole number of pixels.

        Raises:
            InputError: when the spacing is not known and `unknown` is "refuse", or the result is above 4096 px.
        """
        if picture.spacing_mm is None:
            if self.unknown == "refuse":
                raise InputError(
                    "The pixel spacing of this picture is not known; nothing was resampled; give it with the "
                    "source, or choose to leave such pictures as they are."
                )
            return picture.noted(resampled="no: the pixel spacing is not known")
        height, width = picture.image.shape[:2]
        rows = max(1, round(height * picture.spacing_mm[0] / self.millimetres))
        columns = max(1, round(width * picture.spacing_mm[1] / self.millimetres))
        if max(rows, columns) > MAX_SIDE:
            raise InputError(
                f"At this spacing the picture would be larger than {MAX_SIDE} pixels; nothing was resampled; "
                "choose a larger spacing."
            )
        was = f"{picture.spacing_mm[0]:.3g} x {picture.spacing_mm[1]:.3g} mm"
        done = f"from {was} to {self.millimetres:.3g} mm"
        return resized(picture, (rows, columns), self.resampling, resampled=done)
