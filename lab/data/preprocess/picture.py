"""What a preprocessing step takes and gives: pixels, their label mask, and what the steps measured on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError

Fact = float | int | str | bool
_DTYPES = (np.uint8, np.uint16, np.float32)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture on its way through a recipe.

    Attributes:
        image: uint8, uint16 or float32, (H, W) or (H, W, 3). Integers are grey levels of their dtype; floats are in
            whatever unit the last step states.
        mask: uint8 label image (H, W), or None where there is none.
        spacing_mm: size of a pixel in millimetres, (down a column, along a row); None where it is not known.
        notes: figures and statements by name, as the steps' `Note`s explain them.
        overlays: boolean (H, W) pictures by name, such as "hair"; they follow every move of the image.

    Raises:
        InputError: for another dtype or shape, floats that are not finite, or parts that do not fit each other.
    """

    image: NDArray[Any]
    mask: NDArray[np.uint8] | None = None
    spacing_mm: tuple[float, float] | None = None
    notes: Mapping[str, Fact] = field(default_factory=dict)
    overlays: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.image.shape
        plane = shape[:2]
        shaped = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
        if self.image.dtype not in _DTYPES or not shaped or 0 in shape:
            raise InputError(
                "The picture is not grey or RGB of 8 bits, 16 bits or 32-bit floats; nothing was changed; "
                "convert it first."
            )
        if self.image.dtype == np.float32 and not np.isfinite(self.image).all():
            raise InputError(
                "The picture holds values that are not numbers; nothing was changed; export it again."
            )
        if self.mask is not None and (self.mask.dtype != np.uint8 or self.mask.shape != plane):
            raise InputError(
                "The mask is not an 8-bit label image of the picture's size; nothing was changed; "
                "choose the mask that belongs to it."
            )
        if any(layer.dtype != np.bool_ or layer.shape != plane for layer in self.overlays.values()):
            raise InputError("An overlay is not a yes/no image of the picture's size; nothing was changed.")
        if self.spacing_mm is not None and not all(0 < side < 1000 for side in self.spacing_mm):
            raise InputError(
                "The pixel spacing is not between 0 and 1000 mm; nothing was changed; correct it or leave it out."
            )

    @property
    def digest(self) -> str:
        """SHA-256 of dtype, shape and pixels of the image (mask and notes left out)."""
        head = f"{self.image.dtype.name}:{self.image.shape}:".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.image).tobytes()).hexdigest()

    def changed(self, image: NDArray[Any], **notes: Fact) -> Picture:
        """This picture with other pixels of the same size, and further notes."""
        return replace(self, image=image, notes={**self.notes, **notes})

    def noted(self, **notes: Fact) -> Picture:
        """This picture with further notes; a note of the same name is replaced."""
        return replace(self, notes={**self.notes, **notes})
