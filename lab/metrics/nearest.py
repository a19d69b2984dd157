"""Nearest training images of each point, to be read by row and distance.

A view of the lists of `lab.metrics.left_out`, which are exact and order equal distances by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.metrics.left_out import near_list
from lab.metrics.points import Points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k nearest reference points of m points.

    Args:
        distances: (m, k) Euclidean.
        rows: (m, k) their rows in the reference.
    """

    distances: Floats
    rows: IntArray

    @property
    def first(self) -> Floats:
        """(m,) distance to the nearest reference point."""
        return self.distances[:, 0]


def nearest(points: Points, reference: Points, k: int = 2) -> Nearest:
    """The k nearest reference points of each point; infinite distance and row -1 where there are fewer.

    Args:
        points: what is looked up; where it is the reference itself, a point is not its own neighbour.
        reference: where.
        k: neighbours wanted.
    """
    found = near_list(points, reference, k)
    places = [found.place(place) for place in range(1, k + 1)]
    squared = np.concatenate([place.distances for place in places], axis=1)
    return Nearest(np.sqrt(squared), np.concatenate([place.rows for place in places], axis=1))
