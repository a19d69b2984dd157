"""Random rotation about the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lab.data.preprocess.geometry import moved
from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step

SPEC = StepSpec(
    name="rotate",
    title="Random rotation",
    description="Turns the picture about its centre by an angle drawn for each image.",
    stage="geometry",
    parameters=(
        Parameter(
            "degrees", "Largest angle", "float",
            "The angle is drawn evenly from minus this to plus this. SkinGenBench does not publish its own.",
            unit="degrees", low=0, high=180, stride=1,
        ),
        Parameter(
            "fill", "Corners", "choice",
            "What stands where the turned picture has no pixels: mirrored surroundings, the nearest pixel, or black. "
            "A generator learns black corners as if they were skin.",
            choices=("reflect", "edge", "black"),
        ),
        Parameter(
            "interpolation", "Interpolation", "choice",
            "How grey levels between pixels are found; masks always keep the nearest label.",
            choices=("bilinear", "bicubic", "nearest"),
        ),
    ),
    notes=(Note("rotated_degrees", "Turned by (degrees)", "number"),),
    random=True,
)  # fmt: skip


@step
@dataclass(frozen=True)
class Rotate(Step):
    """Random rotation; the size stays."""

    spec: ClassVar[StepSpec] = SPEC
    degrees: float = 20.0
    fill: str = "reflect"
    interpolation: str = "bilinear"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """Turned counter-clockwise by an angle in [-degrees, degrees]."""
        angle = float(np.random.default_rng(seed).uniform(-self.degrees, self.degrees))
        return moved(
            picture,
            lambda array: _turned(array, angle, self.fill, self.interpolation),
            lambda labels: _turned(labels, angle, self.fill, "nearest"),
            picture.spacing_mm if angle == 0 else _mean_spacing(picture.spacing_mm),
            rotated_degrees=round(angle, 3),
        )


def _mean_spacing(spacing: tuple[float, float] | None) -> tuple[float, float] | None:
    """Spacing that differs along rows and columns has no meaning once turned, unless both are equal."""
    if spacing is None or abs(spacing[0] - spacing[1]) > 1e-6 * spacing[0]:
        return None
    return spacing


def _turned(array: NDArray[Any], angle: float, fill: str, interpolation: str) -> NDArray[Any]:
    import cv2

    height, width = array.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    flags = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}
    border = {"reflect": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT}
    low, high = float(array.min()), float(array.max())
    dark = low if array.dtype == np.float32 else 0.0
    turned = cv2.warpAffine(
        array,
        matrix,
        (width, height),
        flags=flags[interpolation],
        borderMode=border[fill],
        borderValue=(dark,) * 4,
    )
    if array.dtype == np.float32:
        turned = np.clip(turned, low, high)
    return np.asarray(turned, dtype=array.dtype)
