"""Feature vectors as points: exact neighbour radii and ball counts, in blocks, with patient groups left out.

Squared distances come from a float64 matrix product; those that decide (the k-th neighbour, a pair on the
edge of a ball) are computed again by direct difference. So numbers do not depend on block size, order or
BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.blocks import products

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
K = 5
_KEPT = K + 35
_PAIRS = 1 << 16
_EDGE = 1e-11


def squared_distances(a: Floats, b: Floats) -> Floats:
    """(n,) squared Euclidean distances of matching rows, by direct difference."""
    difference = a - b
    return np.einsum("nd,nd->n", difference, difference)


@dataclass(frozen=True, eq=False)
class Points:
    """One side of a comparison.

    Args:
        features: (n, d) float64.
        patients: (n,) names.
        order: (n,) row of the caller's array that each row came from.
        groups: (n,) jackknife group, None without an interval.
        group_count: g, 0 without an interval.
        labels: (n,) label of each point, None where there are none.
    """

    features: Floats
    patients: NDArray[np.str_]
    order: IntArray
    groups: IntArray | None
    group_count: int
    labels: NDArray[np.str_] | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.features)

    def take(self, rows: IntArray) -> Points:
        """Some of the points, without groups: for draws that get no interval of their own."""
        return Points(self.features[rows], self.patients[rows], self.order[rows], None, 0)

    def in_given_order(self, values: Floats) -> Floats:
        """Per-point values in the order of the caller's array."""
        given = np.empty(len(values))
        given[self.order] = values
        return given

    @cached_property
    def norms(self) -> Floats:
        """(n,) squared lengths."""
        return np.einsum("nd,nd->n", self.features, self.features)

    @cached_property
    def radii(self) -> Floats:
        """(n, 1 + g) squared distance to the 5th nearest other point: of all, then with group j - 1 left out.

        A point of the left-out group gets radius 0: nothing lies strictly inside it.

        Raises:
            NotComputable: with five points or fewer.
        """
        if self.n - (np.bincount(self.groups).max() if self.groups is not None else 0) <= K:
            raise NotComputable(
                f"The {K} nearest neighbours need more than {K} images on each side; add images."
            )
        nearest, distances = self._neighbours(min(_KEPT, self.n - 1))
        table = np.repeat(distances[:, K - 1 : K], 1 + self.group_count, axis=1)
        if self.groups is None:
            return table
        groups = self.groups[nearest]
        for group in range(self.group_count):
            touched = np.flatnonzero((groups[:, :K] == group).any(axis=1))
            left = np.cumsum(groups[touched] != group, axis=1)
            place = np.argmax(left == K, axis=1)
            table[touched, 1 + group] = distances[touched, place]
            for row in touched[left[:, -1] < K]:
                table[row, 1 + group] = self._radius_without(int(row), group)
            table[self.groups == group, 1 + group] = 0.0
        return table

    def _neighbours(self, kept: int) -> tuple[IntArray, Floats]:
        nearest = np.empty((self.n, kept), dtype=np.int64)
        distances = np.empty((self.n, kept))
        for start, product in products(self.features, self.features):
            rows = np.arange(start, start + len(product))
            block = self.norms[rows, None] + self.norms[None, :] - 2.0 * product
            block[np.arange(len(rows)), rows] = np.inf
            candidates = np.argpartition(block, kept - 1, axis=1)[:, :kept]
            for row, near in zip(rows, candidates, strict=True):
                exact = squared_distances(self.features[near], self.features[row])
                order = np.argsort(exact, kind="stable")
                nearest[row], distances[row] = near[order], exact[order]
        return nearest, distances

    def _radius_without(self, row: int, group: int) -> float:
        others = np.flatnonzero(self.groups != group)
        others = others[others != row]
        return float(np.partition(squared_distances(self.features[others], self.features[row]), K - 1)[K - 1])


@dataclass(frozen=True, eq=False)
class SetPair:
    """Training images and the set that is judged (samples, or held-out images for the control)."""

    real: Points
    synthetic: Points

    @property
    def groups(self) -> int:
        """Jackknife groups both sets share, 0 for none."""
        return min(self.real.group_count, self.synthetic.group_count)

    @cached_property
    def around_real(self) -> Balls:
        """Samples counted in the balls of training images."""
        return count_in_balls(self.synthetic, self.real, self.groups)

    @cached_property
    def around_synthetic(self) -> Balls:
        """Training images counted in the balls of samples."""
        return count_in_balls(self.real, self.synthetic, self.groups)

    def kept(self, points: Points, column: int) -> NDArray[np.bool_]:
        """(n,) which points stay when group column - 1 is left out; all for column 0."""
        if column == 0 or points.groups is None:
            return np.ones(points.n, dtype=bool)
        return points.groups != column - 1


@dataclass(frozen=True, eq=False)
class Balls:
    """Who lies strictly inside whose ball.

    Args:
        counts: (n points, 1 + g) balls around each point; column j with group j - 1 left out of both sets.
        covered: (n balls, 1 + g) whether any point lies inside each ball.
    """

    counts: IntArray
    covered: NDArray[np.bool_]


def count_in_balls(points: Points, balls: Points, groups: int) -> Balls:
    """Count points in balls of 5th-neighbour radius, whole and with each patient group left out.

    Args:
        points: what is counted.
        balls: centres; their `radii` are the radii.
        groups: jackknife groups shared by both.
    """
    columns = 1 + groups
    radii = balls.radii[:, :columns]
    largest = radii.max(axis=1)
    counts = np.zeros((points.n, columns), dtype=np.int64)
    covered = np.zeros((balls.n, columns), dtype=bool)
    for start, product in products(points.features, balls.features):
        rows = np.arange(start, start + len(product))
        edge = _EDGE * (points.norms[rows, None] + balls.norms[None, :])
        block = points.norms[rows, None] + balls.norms[None, :] - 2.0 * product
        for row, ball in _batches(*np.nonzero(block <= largest[None, :] + edge)):
            distance = _settled(points, balls, rows[row], ball, block[row, ball], radii, edge[row, ball])
            inside = distance[:, None] < radii[ball]
            for column in range(columns):
                hit = inside[:, column]
                counts[:, column] += np.bincount(rows[row[hit]], minlength=points.n)
                if column and points.groups is not None:
                    hit = hit & (points.groups[rows[row]] != column - 1)
                covered[ball[hit], column] = True
    return Balls(counts, covered)


def _batches(row: IntArray, ball: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    for start in range(0, len(row), _PAIRS):
        yield row[start : start + _PAIRS], ball[start : start + _PAIRS]


def _settled(
    points: Points,
    balls: Points,
    row: IntArray,
    ball: IntArray,
    distance: Floats,
    radii: Floats,
    edge: Floats,
) -> Floats:
    near_edge = (np.abs(distance[:, None] - radii[ball]) <= edge[:, None]).any(axis=1)
    settled = np.maximum(distance, 0.0)
    for at in np.array_split(np.flatnonzero(near_edge), max(1, int(near_edge.sum()) // 512)):
        settled[at] = squared_distances(points.features[row[at]], balls.features[ball[at]])
    return settled
