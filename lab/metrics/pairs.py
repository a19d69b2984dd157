"""Images beside their own captions, as vectors that a text-image model gave both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError


@dataclass(frozen=True, eq=False)
class Pairs:
    """One row an image, in the order of its set.

    Args:
        images: (n, e) vectors of the images.
        texts: (n, e) vectors of their captions.
        captions: (n,) the captions themselves, to know equal ones; "" where an image has none, and then its
            vectors are not read.
        model: id of the text-image model.

    Raises:
        InputError: when the three do not match, or a vector that is read is zero or not finite.
    """

    images: NDArray[np.floating]
    texts: NDArray[np.floating]
    captions: NDArray[np.str_]
    model: str

    def __post_init__(self) -> None:
        same = self.images.ndim == 2 and self.images.shape == self.texts.shape
        if not same or len(self.captions) != len(self.images):
            raise InputError(
                "Image and caption vectors do not match; nothing was computed; embed the sets again."
            )
        for vectors in (self.images, self.texts):
            lengths = np.linalg.norm(vectors[self.told].astype(np.float64), axis=1)
            if not (np.isfinite(lengths) & (lengths > 0)).all():
                raise InputError(
                    "Some image or caption vectors are empty or not numbers; nothing was computed; embed the sets "
                    "again."
                )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def told(self) -> NDArray[np.bool_]:
        """(n,) which images have a caption."""
        return np.asarray(self.captions) != ""

    def take(self, rows: NDArray[np.integer]) -> Pairs:
        """Some of the rows, in that order."""
        return Pairs(self.images[rows], self.texts[rows], np.asarray(self.captions)[rows], self.model)

    def unit(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vectors of images and captions, (n, e) float64 of length 1; every row must have a caption."""
        sides = [vectors.astype(np.float64) for vectors in (self.images, self.texts)]
        seen, read = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
        return seen, read
