"""Random flips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.geometry import Array, moved
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="flip",
    title="Random flips",
    description="Mirrors the picture left to right and top to bottom, each with its own chance.",
    stage="geometry",
    parameters=(
        Parameter(
            "horizontal", "Chance of left-right", "float",
            "Not for radiographs or the heart: it moves organs to the other side.", low=0, high=1, stride=0.05,
        ),
        Parameter(
            "vertical", "Chance of top-bottom", "float",
            "Skin has no upside; other pictures do.", low=0, high=1, stride=0.05,
        ),
    ),
    notes=(Note("flipped", "Flipped"),),
    random=True,
)  # fmt: skip


@step
@dataclass(frozen=True)
class Flip(Step):
    """Random flips."""

    spec: ClassVar[StepSpec] = SPEC
    horizontal: float = 0.5
    vertical: float = 0.5

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Mirrored by two draws of the seed."""
        draws = np.random.default_rng(seed).random(2)
        axes = tuple(
            axis
            for axis, draw, chance in ((1, draws[0], self.horizontal), (0, draws[1], self.vertical))
            if draw < chance
        )

        def mirrored(array: Array) -> Array:
            return np.flip(array, axes)

        words = {(): "no", (1,): "left-right", (0,): "top-bottom", (1, 0): "both ways"}
        return moved(picture, mirrored, mirrored, picture.spacing_mm, flipped=words[axes])
