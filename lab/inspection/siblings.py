"""How alike the samples of one prompt are: multi-scale similarity of their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.inspection.planes import Floats, grey
from lab.metrics.structural import TAPS, ms_ssim

MOST_PAIRS = 66
MOST_SIDE = 256


@dataclass(frozen=True)
class Siblings:
    """Similarity of samples of one prompt.

    Attributes:
        pairs: (i, j, similarity), each pair once, i < j; 1.0 for identical images.
        possible: how many pairs there are; more than 66 are thinned out evenly.
    """

    pairs: tuple[tuple[int, int, float], ...]
    possible: int

    def of(self, index: int) -> tuple[float, int, float] | None:
        """Mean similarity of one sample with its siblings, its nearest sibling, and the similarity of the two."""
        mine = [(value, j if i == index else i) for i, j, value in self.pairs if index in (i, j)]
        if not mine:
            return None
        closest, nearest = max(mine)
        return float(np.mean([value for value, _ in mine])), nearest, closest

    def to_json(self) -> dict[str, Any]:
        """Mean, lowest and highest similarity, and the number of pairs."""
        values = [value for _, _, value in self.pairs]
        if not values:
            return {"pairs": 0, "possible": self.possible, "mean": None, "lowest": None, "highest": None}
        return {
            "pairs": len(values), "possible": self.possible, "mean": round(float(np.mean(values)), 4),
            "lowest": round(min(values), 4), "highest": round(max(values), 4),
        }  # fmt: skip


def siblings_of(images: Sequence[NDArray[Any]]) -> Siblings:
    """Multi-scale similarity of all pairs, the metric's own function; with over 66 pairs, of 66 spread evenly.

    Args:
        images: samples of one prompt, (H, W) or (H, W, C), one size; those below 11 pixels have no pairs.
    """
    count = len(images)
    pairs = list(combinations(range(count), 2))
    kept = pairs if len(pairs) <= MOST_PAIRS else _spread(count)
    planes = [plane_of(image) for image in images]
    found = tuple(
        (i, j, round(alike, 6)) for i, j in kept if (alike := similarity(planes[i], planes[j])) is not None
    )
    return Siblings(found, len(pairs))


def plane_of(image: NDArray[Any]) -> Floats:
    """Grey levels 0 to 1, at most 256 pixels a side: so many do for the similarity and keep it quick."""
    import cv2

    plane = grey(image) / 255.0
    scale = MOST_SIDE / max(plane.shape)
    if scale < 1.0:
        size = (max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale)))
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), dtype=np.float64)
    return plane


def similarity(first: Floats, second: Floats) -> float | None:
    """Multi-scale similarity of two planes, 0 to 1; None for different or too small sizes."""
    if first.shape != second.shape or min(first.shape) < TAPS:
        return None
    return ms_ssim(first, second)


def _spread(count: int) -> list[tuple[int, int]]:
    """Each sample with its next ones, round the circle, as many as the number of pairs allows."""
    steps = max(1, MOST_PAIRS // count)
    around = {tuple(sorted((i, (i + step) % count))) for step in range(1, steps + 1) for i in range(count)}
    return sorted((i, j) for i, j in around)
