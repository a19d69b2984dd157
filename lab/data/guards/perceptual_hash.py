"""Perceptual hashes: pictures that look alike have hashes that differ in few bits, whatever their size or format.

The hash is ImageHash's pHash (Zauner 2010): the signs of the 16 x 16 lowest frequencies of the cosine transform of the
grey picture, around their median. Over real films of different patients the fewest bits that differ are 42 to 74 of 256
(paediatric and adult radiographs, dermoscopy, cardiac MRI: 3,300 pictures); the four films of one public set that were
published twice, in two sizes, differ in 0 to 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 16
BITS = SIDE * SIDE
_WORDS = BITS // 64
_BLOCK = 1024


def perceptual_hash(image: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash of a picture and of its mirror image.

    Args:
        image: uint8 or uint16, (H, W) or (H, W, 3).

    Returns:
        (2, 4) uint64: 256 bits of the picture, then of the picture mirrored left to right.
    """
    import imagehash
    from PIL import Image

    from lab.data.pixels import to_grey8

    grey = to_grey8(image)
    ways = (grey, np.ascontiguousarray(grey[:, ::-1]))
    bits = [imagehash.phash(Image.fromarray(way), hash_size=SIDE).hash.ravel() for way in ways]
    return np.packbits(np.stack(bits), axis=1).view(np.uint64)


def close_pairs(hashes: NDArray[np.uint64], limit: int) -> list[tuple[int, int, int, bool]]:
    """Pairs of pictures whose hashes differ in at most `limit` bits, as they are or with one of them mirrored.

    Args:
        hashes: (n, 2, 4) of `perceptual_hash`.
        limit: bits.

    Returns:
        (first, second, bits, mirrored) with first < second, in that order; no n x n matrix is held.
    """
    plain, turned = hashes[:, 0], hashes[:, 1]
    found: list[tuple[int, int, int, bool]] = []
    for start in range(0, len(plain), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(plain)))
        straight, mirrored = _bits(plain[rows], plain[start:]), _bits(turned[rows], plain[start:])
        nearest = np.minimum(straight, mirrored)
        first, second = np.nonzero(nearest <= limit)
        for i, j in zip(first.tolist(), second.tolist(), strict=True):
            if j > i:
                found.append(
                    (start + i, start + j, int(nearest[i, j]), bool(mirrored[i, j] < straight[i, j]))
                )
    return found


def _bits(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Bits that differ, (a, b)."""
    total = np.zeros((len(first), len(second)), dtype=np.uint16)
    for word in range(_WORDS):
        total += np.bitwise_count(first[:, None, word] ^ second[None, :, word])
    return total


def hash_distance(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> int:
    """Bits in which two pictures' hashes (2, 4) differ, the better of as they are and one mirrored."""
    return int(_bits(first, second[:1]).min())
