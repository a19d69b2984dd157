"""Three colour planes that hold one grey picture become one plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="grey",
    title="One grey plane",
    description="Keeps one plane of pictures whose three colour planes are equal.",
    stage="intensity",
    parameters=(
        Parameter(
            "when", "Which pictures", "choice",
            "Equal: only where red, green and blue differ by no more than 2 grey levels, so no colour is lost. "
            "Always: colour is weighed into grey (Rec. 601).",
            choices=("equal", "always"),
        ),
    ),
    notes=(Note("colour", "Colour"),),
)  # fmt: skip
_LUMA = np.array([0.299, 0.587, 0.114])


@step
@dataclass(frozen=True)
class Grey(Step):
    """To one plane."""

    spec: ClassVar[StepSpec] = SPEC
    when: str = "equal"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """(H, W) of the same dtype, or the picture as it is where it has colour that must stay."""
        image = picture.image
        if image.ndim == 2:
            return picture.noted(colour="one grey plane")
        values = image.astype(np.float64)
        spread = float((values.max(axis=2) - values.min(axis=2)).max())
        # Two levels of 8 bits: JPEG's colour planes do not give a grey picture back exactly.
        equal = spread <= {"uint8": 2.0, "uint16": 514.0}.get(image.dtype.name, 2 / 255 * 2)
        if self.when == "equal" and not equal:
            return picture.noted(colour="kept: the planes differ")
        luma = values @ _LUMA
        grey = luma if image.dtype == np.float32 else np.rint(luma)
        words = "three equal planes made one" if equal else "colour weighed into grey"
        return picture.changed(grey.astype(image.dtype), colour=words)
