"""Hair removal after DullRazor (Lee et al. 1997): thin dark lines are found by black-hat and painted over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step
from lab.errors import InputError

SPEC = StepSpec(
    name="hair",
    title="Hair removal",
    description="Finds thin dark lines (hair, ruler marks) and paints them over from their surroundings.",
    stage="artefact",
    parameters=(
        Parameter(
            "kernel", "Size of the element", "int",
            "Lines narrower than this, in pixels of the source, count as hair. Larger finds thicker hair, and more of "
            "the lesion's own network.",
            unit="px", low=3, high=51, stride=2,
        ),
        Parameter(
            "shape", "Shape of the element", "choice",
            "Rect finds dark lines and dots of any direction; cross leaves more of the dots alone.",
            choices=("rect", "cross"),
        ),
        Parameter("blur", "Smooth first answer", "bool", "A 3x3 Gaussian before the threshold: fewer specks."),
        Parameter(
            "threshold", "Threshold", "int",
            "How much darker than its surroundings a line must be. Lower finds fainter hair, and more skin texture.",
            unit="grey levels", low=1, high=100,
        ),
        Parameter(
            "shortest", "Shortest line", "int",
            "Keeps only what a straight line of this length fits into: hair, but little of a pigment network. 0 keeps "
            "all, as published.",
            unit="px", low=0, high=101,
        ),
        Parameter("dilate", "Widen the mask", "bool", "By one pixel all round: takes the soft rim of hairs too."),
        Parameter(
            "radius", "Inpainting radius", "int",
            "How far around a hair Telea's method looks for colours to paint with.", unit="px", low=1, high=20,
        ),
    ),
    notes=(
        Note("hair_share", "Pixels taken for hair", "share"),
        Note("changed_share", "Pixels changed", "share"),
        Note("hair_doubt", "More than a tenth taken for hair: look at the mask", "flag"),
    ),
)  # fmt: skip
DIRECTIONS = 16
DOUBT = 0.1


@step
@dataclass(frozen=True)
class RemoveHair(Step):
    """Hair removal; the mask stays as overlay "hair", for it may hold the lesion's own texture."""

    spec: ClassVar[StepSpec] = SPEC
    kernel: int = 9
    shape: str = "rect"
    blur: bool = True
    threshold: int = 10
    shortest: int = 0
    dilate: bool = False
    radius: int = 6

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Painted over where hair was found.

        Raises:
            InputError: unless the picture is 8-bit.
        """
        import cv2

        if picture.image.dtype != np.uint8:
            raise InputError(
                "Hair removal works on 8-bit pictures only; nothing was changed; put it before steps that make "
                "other numbers, or take it out."
            )
        found = self.find(picture.image)
        painted = picture.image
        if found.any():
            painted = np.asarray(
                cv2.inpaint(picture.image, found.astype(np.uint8), self.radius, cv2.INPAINT_TELEA),
                dtype=np.uint8,
            )
        differs = painted != picture.image
        changed = float((differs if differs.ndim == 2 else differs.any(axis=2)).mean())
        share = float(found.mean())
        after = picture.changed(
            painted, hair_share=round(share, 5), changed_share=round(changed, 5), hair_doubt=share > DOUBT
        )
        return replace(after, overlays={**after.overlays, "hair": found})

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Where hair is: (H, W) bool for uint8 grey or RGB."""
        import cv2

        grey: NDArray[Any] = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shape = cv2.MORPH_RECT if self.shape == "rect" else cv2.MORPH_CROSS
        element = cv2.getStructuringElement(shape, (self.kernel, self.kernel))
        answer: NDArray[Any] = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, element)
        if self.blur:
            answer = cv2.GaussianBlur(answer, (3, 3), 0)
        found = (answer > self.threshold).astype(np.uint8)
        if self.shortest > 1:
            found = _long_lines(found, self.shortest)
        if self.dilate:
            found = np.asarray(cv2.dilate(found, np.ones((3, 3), np.uint8)), dtype=np.uint8)
        return found > 0


def _long_lines(found: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """What of a 0/1 mask a straight line of `length` pixels fits into, in any of 16 directions."""
    import cv2

    kept = np.zeros_like(found)
    length |= 1
    middle = (length - 1) / 2
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        across, down = float(np.cos(angle)) * middle, float(np.sin(angle)) * middle
        element = np.zeros((length, length), np.uint8)
        ends = (round(middle - across), round(middle - down)), (round(middle + across), round(middle + down))
        cv2.line(element, *ends, 1)
        # OpenCV opens with the element as it is both times: only with one equal to its mirror is that an opening.
        element |= element[::-1, ::-1]
        kept |= np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, element), dtype=np.uint8)
    return kept & found
