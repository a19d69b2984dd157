"""Who lies in whose neighbourhood, and who is nearest: found while tiles of two sets pass by, decided exactly.

A tile only proposes pairs, those that rounding could put inside. A pair whose screened distance lies within its
rounding of a radius is computed again by direct difference in float64: the counts are those of exact arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.gram import Screen, Tile, screen
from lab.metrics.nearest_column import UNDERFLOW, NearestColumn
from lab.metrics.radii import pair_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Tensor = Any
_PAIRS = 1 << 16
# Share of a tile's pairs above which they are screened again in double precision.
_MANY = 1 / 16


@dataclass(frozen=True, eq=False)
class Balls:
    """Who lies strictly inside whose ball.

    Args:
        counts: (n points, 1 + g) balls around each point; column j with group j - 1 left out of both sets.
        covered: (n balls, 1 + g) whether any point lies inside each ball.
    """

    counts: IntArray
    covered: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Side:
    """A set in a pass over tiles.

    Args:
        features: (n, d).
        screen: the same, screened.
        groups: (n,) patient group, None for none.
        radii: (n, 1 + g) squared radii of the balls around its points.
    """

    features: NDArray[np.floating]
    screen: Screen
    groups: IntArray | None
    radii: Floats


class Counter:
    """Counts points in the balls of one side, from proposed pairs."""

    def __init__(self, points: Side, balls: Side) -> None:
        self._points, self._balls = points, balls
        columns = balls.radii.shape[1]
        self._largest = balls.radii.max(axis=1)
        self._counts = np.zeros((len(points.features), columns), dtype=np.int64)
        self._covered = np.zeros((len(balls.features), columns), dtype=bool)

    def add(self, point: IntArray, ball: IntArray, squared: Floats, error: Floats) -> None:
        """Decide pairs: squared distances that are off by no more than `error`."""
        near = np.flatnonzero((squared <= self._largest[ball] + error) & (self._largest[ball] > 0.0))
        for start in range(0, len(near), _PAIRS):
            at = near[start : start + _PAIRS]
            self._add(point[at], ball[at], squared[at], error[at])

    def _add(self, point: IntArray, ball: IntArray, squared: Floats, error: Floats) -> None:
        radii = self._balls.radii[ball]
        open_ = np.flatnonzero((np.abs(squared[:, None] - radii) <= error[:, None]).any(axis=1))
        settled = squared.copy()
        settled[open_] = pair_distances(
            self._points.features, point[open_], self._balls.features, ball[open_]
        )
        inside = settled[:, None] < radii
        for column in range(radii.shape[1]):
            hit = inside[:, column]
            self._counts[:, column] += np.bincount(point[hit], minlength=len(self._counts))
            if column and self._points.groups is not None:
                hit = hit & (self._points.groups[point] != column - 1)
            self._covered[ball[hit], column] = True

    def balls(self) -> Balls:
        """What was counted."""
        return Balls(self._counts, self._covered)


class Proposals:
    """Pairs of two sets that may lie in a ball of either, and each row's nearest column.

    Args:
        rows, columns: the sides; their `radii` decide which pairs are proposed.
    """

    def __init__(self, rows: Side, columns: Side) -> None:

        self._rows, self._columns = rows, columns
        self.in_columns, self.in_rows = Counter(rows, columns), Counter(columns, rows)
        self._error = rows.screen.error
        self._limit_row, self._limit_column = self._limit(rows), self._limit(columns)
        self._near = NearestColumn(rows.features, rows.screen, columns.features)
        self._norms = [
            side.screen.norms.cpu().numpy().astype(np.float64) * self._error for side in (rows, columns)
        ]

    def add(self, tile: Tile) -> None:
        """Propose pairs of a tile; its product is used up."""
        import torch

        lower = tile.distances(self._error)
        nearest = self._near.bound(tile, lower)
        limit = torch.maximum(self._limit_row[tile.at], nearest)
        found = lower <= torch.maximum(limit[:, None], self._limit_column[tile.to])
        row, column = found.nonzero(as_tuple=True)
        if self._rows.screen.single and len(row) > _MANY * found.numel():
            self._add_double(tile, row.cpu().numpy(), column.cpu().numpy())
            return
        squared = lower[row, column].cpu().numpy().astype(np.float64)
        at_row, at_column = row.cpu().numpy() + tile.at.start, column.cpu().numpy() + tile.to.start
        close = squared <= nearest[row].cpu().numpy()
        self._near.keep(at_row[close], at_column[close], squared[close])
        error = self._norms[0][at_row] + self._norms[1][at_column] + UNDERFLOW
        self._count(at_row, at_column, squared + error, error)

    def _add_double(self, tile: Tile, row: IntArray, column: IntArray) -> None:
        """The same in double precision, for sets so close together that single precision proposes too many pairs."""

        centre = self._rows.features[tile.at].mean(axis=0, dtype=np.float64)
        a = screen(self._rows.features[tile.at], centre, False)
        b = screen(self._columns.features[tile.to], centre, False)
        own = a.norms[:, None] + b.norms
        squared = own - 2.0 * a.rows @ b.rows.T
        best, first = squared.min(dim=1)
        self._near.keep(
            np.arange(tile.at.start, tile.at.stop),
            first.cpu().numpy() + tile.to.start,
            np.maximum(best.cpu().numpy(), 0.0),
        )
        self._near.bound_exactly(tile.at, best)
        told = squared.cpu().numpy()[row, column]
        error = a.error * own.cpu().numpy()[row, column] + UNDERFLOW
        self._count(row + tile.at.start, column + tile.to.start, told, error)

    def _count(self, row: IntArray, column: IntArray, squared: Floats, error: Floats) -> None:
        self.in_columns.add(row, column, squared, error)
        self.in_rows.add(column, row, squared, error)

    def nearest(self) -> tuple[IntArray, Floats]:
        """(n,) nearest column of each row and its exact squared distance; the first of equals."""
        return self._near.nearest()

    @staticmethod
    def _limit(side: Side) -> Tensor:
        """(n,) radii rounded up to the screen's precision."""
        import torch

        limit = torch.from_numpy(side.radii.max(axis=1)).to(side.screen.norms)
        return torch.nextafter(limit, torch.full_like(limit, float("inf")))
