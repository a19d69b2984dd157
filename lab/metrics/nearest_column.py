"""The nearest column of each row, found while tiles of two sets pass by and decided exactly."""

# One of three ways to one answer, of which `lab.metrics.passes.nearest_training` chooses: this one on accelerators, for
# small sets and where tiles are made anyway; `nearest_proposed` on processors, `nearest_bfloat16` where they have it.
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.gram import Screen, Tile
from lab.metrics.radii import pair_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Tensor = Any
UNDERFLOW = 1e-30


class NearestColumn:
    """Bounds and candidates of each row's nearest column.

    Args:
        features: (n, d) of the rows.
        side: the same, screened.
        columns: (m, d) features of the columns.
    """

    def __init__(self, features: NDArray[np.floating], side: Screen, columns: NDArray[np.floating]) -> None:
        import torch

        self._features, self._columns = features, columns
        self._norms, self._error = side.norms, side.error
        self._bound = torch.full_like(side.norms, float("inf"))
        self._candidates: list[tuple[IntArray, IntArray, Floats]] = []

    def add(self, tile: Tile) -> None:
        """Take from a tile alone, where nothing else is asked of it; its product is used up."""
        lower = tile.distances(self._error)
        limit = self.bound(tile, lower)
        # Most rows have found something nearer in an earlier tile, and need not be looked through.
        rows = (lower.amin(dim=1) <= limit).nonzero(as_tuple=True)[0]
        some = lower[rows]
        line, column = (some <= limit[rows, None]).nonzero(as_tuple=True)
        squared = some[line, column].cpu().numpy().astype(np.float64)
        self.keep(rows[line].cpu().numpy() + tile.at.start, column.cpu().numpy() + tile.to.start, squared)

    def bound(self, tile: Tile, lower: Tensor) -> Tensor:
        """(rows of the tile,) distances than which their nearest column is no farther, whatever rounding did.

        Args:
            lower: squared distances of the tile less what rounding could have added.
        """
        import torch

        best = lower.amin(dim=1).clamp_(min=0.0) + 6.0 * self._error * self._norms[tile.at]
        best = best.mul_(1.0 + 10.0 * self._error).add_(UNDERFLOW)
        return torch.minimum(self._bound[tile.at], best, out=self._bound[tile.at])

    def bound_exactly(self, at: slice, best: Tensor) -> None:
        """The same from squared distances in double precision."""
        import torch

        bound = (best.clamp(min=0.0) * (1.0 + 1e-6) + UNDERFLOW).to(self._bound)
        torch.minimum(self._bound[at], bound, out=self._bound[at])

    def keep(self, row: IntArray, column: IntArray, lower: Floats) -> None:
        """Pairs that may be nearest, with their lower bounds."""
        self._candidates.append((row, column, lower))

    def nearest(self) -> tuple[IntArray, Floats]:
        """(n,) nearest column of each row and its exact squared distance; the first of equals."""
        row, column, lower = (np.concatenate(part) for part in zip(*self._candidates, strict=True))
        kept = lower <= self._bound.cpu().numpy().astype(np.float64)[row]
        row, column = row[kept], column[kept]
        squared = pair_distances(self._features, row, self._columns, column)
        first = first_of_equals(row, column, squared)
        return column[first], squared[first]


def first_of_equals(row: IntArray, column: IntArray, distances: Floats) -> IntArray:
    """Which of (p,) pairs is each row's nearest, the lowest column of equals; rows that have a pair, rising."""
    order = np.lexsort([column, distances, row])
    return order[np.unique(row[order], return_index=True)[1]]
