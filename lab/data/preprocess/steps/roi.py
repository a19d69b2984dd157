"""Crop a region of interest about the mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lab.data.preprocess.geometry import FILLS, windowed
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step
from lab.errors import InputError

SPEC = StepSpec(
    name="roi",
    title="Crop about the mask",
    description="Cuts a square about the middle of the mask; what lies outside the picture is padding.",
    stage="geometry",
    parameters=(
        Parameter("size", "Side", "int", "Of the square that is cut.", unit="px", low=16, high=1024),
        Parameter(
            "centre", "Centre", "choice",
            "Middle of the box around all labels, or the labels' centre of mass.", choices=("box", "mass"),
        ),
        Parameter(
            "unmasked", "Without a mask", "choice",
            "Cut about the middle of the picture and say so, or refuse.", choices=("middle", "refuse"),
        ),
        Parameter(
            "fill", "Padding", "choice",
            "What stands outside the picture: its darkest value, the nearest pixel, or zero (mid-grey once scaled "
            "to -1 to 1).",
            choices=FILLS,
        ),
    ),
    notes=(
        Note("crop_centre", "Centre of the crop"),
        Note("padded_share", "Pixels that are padding", "share"),
        Note("mask_lost_share", "Labelled pixels cut away", "share"),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class CropAboutMask(Step):
    """Square crop about the mask."""

    spec: ClassVar[StepSpec] = SPEC
    size: int = 128
    centre: str = "box"
    unmasked: str = "middle"
    fill: str = "minimum"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """A square of `size`, its middle within a pixel of the mask's.

        Raises:
            InputError: without any label when `unmasked` is "refuse".
        """
        height, width = picture.image.shape[:2]
        row, column, words = (height - 1) / 2, (width - 1) / 2, "the picture's: no mask"
        if picture.mask is not None and picture.mask.any():
            rows, columns = np.nonzero(picture.mask)
            words = "the mask's"
            if self.centre == "mass":
                row, column = float(rows.mean()), float(columns.mean())
            else:
                row, column = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
        elif self.unmasked == "refuse":
            raise InputError(
                "This picture has no mask to crop about; nothing was cropped; import it with its mask, or choose "
                "to crop about the middle."
            )
        top, left = round(row - (self.size - 1) / 2), round(column - (self.size - 1) / 2)
        down = max(0, min(top + self.size, height) - max(top, 0))
        across = max(0, min(left + self.size, width) - max(left, 0))
        lost = 0.0
        if picture.mask is not None and picture.mask.any():
            kept = picture.mask[max(top, 0) : top + self.size, max(left, 0) : left + self.size]
            lost = 1 - float(np.count_nonzero(kept) / np.count_nonzero(picture.mask))
        return windowed(
            picture, top, left, (self.size, self.size), self.fill,
            crop_centre=words,
            padded_share=round(1 - down * across / self.size**2, 4),
            mask_lost_share=round(lost, 4),
        )  # fmt: skip
