"""The nearest points of each point of a set, listed while tiles of inner products pass by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.gram import Screen, Tile, reach

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Tensor = Any


@dataclass(frozen=True, eq=False)
class Lists:
    """Nearest others of each point, closest first, by distances that rounding touches.

    Args:
        rows: (n, kept) rows of the others.
        squared: (n, kept) squared distances.
        slack: (n,) how far each may be off, the unlisted ones' too.
        complete: every other point is listed.
    """

    rows: IntArray
    squared: Floats
    slack: Floats
    complete: bool


class NearLists:
    """Lists that tiles of a set with itself are added to.

    Args:
        side: the screened set.
        kept: length of the lists, at most n - 1.
    """

    def __init__(self, side: Screen, kept: int) -> None:
        import torch

        n, place = len(side.rows), side.rows.device
        self._side, self._kept = side, kept
        self._squared = torch.full((n, kept), float("inf"), dtype=side.rows.dtype, device=place)
        self._rows = torch.full((n, kept), -1, dtype=torch.int64, device=place)

    def add(self, tile: Tile) -> None:
        """Take from a tile, and from its mirror image, what is nearer than the last of a list."""
        distances = tile.distances()
        self._merge(tile.at, tile.to.start, distances)
        if not tile.diagonal:
            self._merge(tile.to, tile.at.start, distances.T)

    def lists(self) -> Lists:
        """What was found, as arrays."""
        squared = self._squared.cpu().numpy().astype(np.float64)
        complete = self._kept == len(squared) - 1
        slack = reach(self._side, squared[:, -1])
        return Lists(self._rows.cpu().numpy(), squared, slack, complete)

    def _merge(self, at: slice, first: int, distances: Tensor) -> None:
        import torch

        known = self._squared[at]
        if bool(torch.isinf(known[:, -1]).any()):
            self._merge_all(at, first, distances)
            return
        row, column = (distances < known[:, -1:]).nonzero(as_tuple=True)
        if not len(row):
            return
        touched, counts = torch.unique_consecutive(row, return_counts=True)
        line = torch.arange(len(touched), device=row.device).repeat_interleave(counts)
        place = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[line]
        shape = (len(touched), int(counts.max()))
        squared = torch.full(shape, float("inf"), dtype=known.dtype, device=row.device)
        rows = torch.full(shape, -1, dtype=torch.int64, device=row.device)
        squared[line, place] = distances[row, column]
        rows[line, place] = column + first
        touched = touched + at.start
        squared = torch.cat([self._squared[touched], squared], dim=1)
        rows = torch.cat([self._rows[touched], rows], dim=1)
        self._squared[touched], near = squared.topk(self._kept, dim=1, largest=False)
        self._rows[touched] = rows.gather(1, near)

    def _merge_all(self, at: slice, first: int, distances: Tensor) -> None:
        import torch

        near = min(self._kept, distances.shape[1])
        squared, columns = distances.topk(near, dim=1, largest=False)
        squared = torch.cat([self._squared[at], squared], dim=1)
        rows = torch.cat([self._rows[at], columns + first], dim=1)
        self._squared[at], order = squared.topk(self._kept, dim=1, largest=False)
        self._rows[at] = rows.gather(1, order)
