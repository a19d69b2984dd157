"""Pixels of one side of a comparison, read on demand: metrics on images never hold a whole set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.unsignedinteger]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images or label maps in the order of their set.

    Args:
        ids: opaque id of each.
        read: from an id to its pixels, (H, W) or (H, W, 3), uint8 or uint16; (H, W) of class numbers for masks.
            None where the image has none (a mask that is not there).
    """

    ids: tuple[str, ...]
    read: Callable[[str], Image | None]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Image | None:
        return self.read(self.ids[row])

    def __iter__(self) -> Iterator[Image | None]:
        return (self.read(name) for name in self.ids)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> Pictures:
        """Some of them, in that order."""
        return Pictures(tuple(self.ids[int(row)] for row in rows), self.read)


def pictures_of(images: Sequence[Image]) -> Pictures:
    """Pictures that are at hand already, for small sets and tests."""
    ids = tuple(f"{row:016x}" for row in range(len(images)))
    held = dict(zip(ids, images, strict=True))
    return Pictures(ids, held.__getitem__)
