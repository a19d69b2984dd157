"""From the numbers of a recipe to what a file holds, by one stated rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.data.preprocess.picture import Picture
from lab.errors import InputError

RULE = "stored value = round((x + 1) / 2 x (2^bits - 1)) for x from -1 to 1"
_SLACK = 1e-4


def to_stored(picture: Picture, bits: int = 8) -> Picture:
    """The picture as integers a file can hold.

    Floats must lie in [-1, 1] and become round((x + 1) / 2 * (2**bits - 1)): -1 is 0, 1 is 255 or 65535. Pictures
    of integers are stored as they are, whatever `bits` says: depth is never cut without a window.

    Args:
        picture: uint8, uint16, or float32 in [-1, 1] (a ten-thousandth beyond is rounding, and is clipped).
        bits: 8 or 16.

    Raises:
        InputError: for floats outside [-1, 1] or another number of bits.
    """
    if bits not in (8, 16):
        raise InputError("Pictures are stored with 8 or 16 bits; nothing was stored; choose one of them.")
    if picture.image.dtype != np.float32:
        return picture
    low, high = float(picture.image.min()), float(picture.image.max())
    if not (low >= -1 - _SLACK and high <= 1 + _SLACK):
        raise InputError(
            "The picture holds numbers outside -1 to 1; nothing was stored; put the step 'Scale to -1 to 1' "
            "before storing."
        )
    top = 2**bits - 1
    levels = np.rint((np.clip(picture.image.astype(np.float64), -1, 1) + 1) / 2 * top)
    return replace(picture, image=levels.astype(np.uint8 if bits == 8 else np.uint16))
