"""Is this radiograph inverted? Looked at always, changed only when a person confirmed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.polarity_figures import figures, thumbnail
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="inversion",
    title="Inversion check",
    description="Flags chest films that look like negatives (air bright, spine dark); inverts them once confirmed.",
    stage="intensity",
    parameters=(
        Parameter(
            "confirmed", "Invert flagged films", "bool",
            "Off: films that look inverted are flagged and left alone. On: you have looked at them, and they are "
            "inverted.",
        ),
    ),
    notes=(
        Note("spine_contrast", "Spine minus whole film, share of the range", "number"),
        Note("centre_contrast", "Centre minus border, share of the range", "number"),
        Note("looks_inverted", "Looks inverted", "flag"),
        Note("inverted", "Was inverted", "flag"),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class InversionCheck(Step):
    """Mean-intensity check of a chest film's polarity."""

    spec: ClassVar[StepSpec] = SPEC
    confirmed: bool = False

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Inverted if confirmed: about the middle of the bits in use, for floats about the middle of their range."""
        found = figures(thumbnail(picture.image))
        turned = found.looks_inverted and self.confirmed
        image = picture.image
        if turned:
            # A 12-bit film in a 16-bit file is turned within its 12 bits.
            ends = float(image.min() + image.max()) if image.dtype == np.float32 else _top(int(image.max()))
            image = (ends - image.astype(np.float64)).astype(image.dtype)
        return picture.changed(
            image,
            spine_contrast=round(found.spine_contrast, 4),
            centre_contrast=round(found.centre_contrast, 4),
            looks_inverted=found.looks_inverted,
            inverted=turned,
        )


def _top(brightest: int) -> int:
    """Largest number of as many bits as the picture uses, 8 at least."""
    return int(2 ** max(8, brightest.bit_length()) - 1)
