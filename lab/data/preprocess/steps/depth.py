"""State the bit depth, and change it only by a window that is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step
from lab.errors import InputError

SPEC = StepSpec(
    name="depth",
    title="Bit depth",
    description="States how many grey levels the picture really uses; changes the depth only when asked.",
    stage="intensity",
    parameters=(
        Parameter(
            "bits", "Depth", "choice", "Keep stores 16-bit radiographs as they came.", choices=("keep", "8", "16"),
        ),
        Parameter(
            "window", "Window", "choice",
            "What becomes black and white when the depth changes: the whole range of the old depth, or the values "
            "the picture really uses (12-bit pictures in 16-bit files need that).",
            choices=("whole", "used"),
        ),
    ),
    notes=(
        Note("depth", "Bit depth"),
        Note("grey_levels", "Grey levels in use", "number"),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class Depth(Step):
    """Bit depth, stated and kept or changed by a named window."""

    spec: ClassVar[StepSpec] = SPEC
    bits: str = "keep"
    window: str = "used"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """uint8 or uint16.

        Raises:
            InputError: for a picture of floats.
        """
        image = picture.image
        if image.dtype == np.float32:
            raise InputError(
                "The bit depth of a picture of floats is not defined; nothing was changed; put this step first."
            )
        stored = 8 * image.dtype.itemsize
        used = int(image.max()).bit_length()
        levels = int(np.count_nonzero(np.bincount(image.ravel(), minlength=2)))
        words = f"{stored} bits stored, {used} used"
        if self.bits == "keep" or int(self.bits) == stored:
            return picture.noted(depth=words, grey_levels=levels)
        low, high = (0, 2**stored - 1) if self.window == "whole" else (int(image.min()), int(image.max()))
        top = 2 ** int(self.bits) - 1
        scaled = np.rint((image.astype(np.float64) - low) / max(high - low, 1) * top)
        words += f"; {low} to {high} mapped to {self.bits} bits"
        return picture.changed(
            scaled.astype(np.uint8 if self.bits == "8" else np.uint16), depth=words, grey_levels=levels
        )
