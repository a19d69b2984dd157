"""A mask as a network reads it: brought to the image's size without new numbers, then one channel a structure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.generators.condition import decode_mask

Labels = NDArray[np.uint8]


def at_size(mask: Labels, size: int) -> Labels:
    """(H, W) structure numbers as (size, size), by nearest neighbour: no number appears that was not there.

    A mask that is not square is first put in the middle of a square of background, so that nothing is squeezed.
    """
    height, width = mask.shape
    side = max(height, width)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = mask
    # The middle of each new pixel, in old pixels.
    place = ((np.arange(size) + 0.5) * side / size).astype(np.int64)
    return np.ascontiguousarray(square[np.ix_(place, place)])


def read_mask(mask: bytes, size: int) -> Labels:
    """(size, size) structure numbers of PNG bytes; no bytes are an empty mask.

    Raises:
        ImageError: as `decode_mask`.
    """
    return at_size(decode_mask(mask), size) if mask else np.zeros((size, size), np.uint8)


def one_hot(mask: Labels, structures: int) -> NDArray[np.float32]:
    """(1 + structures, H, W) float32 of 0 and 1: background, then each structure in the order of its number."""
    numbers = np.arange(1 + structures, dtype=np.uint8)
    return np.ascontiguousarray((mask[None] == numbers[:, None, None]).astype(np.float32))
