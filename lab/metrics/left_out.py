"""The k-th nearest point of a set, for all points and with each patient group left out, by either distance."""

# The only search of metrics that lists several neighbours with exact distances: any k, either measure, in float64, read
# by `lab.metrics.nearest`. Radii of balls come from the tiles that also feed kernel sums, and the one nearest image of
# large float32 sets has quicker ways: see `lab.metrics.passes`.
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics import blocks
from lab.metrics.blocks import products, rows_per_block
from lab.metrics.codes import hamming_blocks
from lab.metrics.comparison import Comparison
from lab.metrics.points import Points, squared_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Measure = Literal["euclidean", "hamming"]
_MORE, _USUAL = 35, 5
_IN_CACHE, _BLOCK = 1 << 17, 1 << 20


@dataclass(frozen=True, eq=False)
class Kth:
    """The k-th nearest point of another set.

    Args:
        rows: (n, 1 + g) its row; column j with patient group j - 1 of the other set left out.
        distances: (n, 1 + g) squared Euclidean distance, or share of differing codes.
    """

    rows: IntArray
    distances: Floats


def distance_blocks(points: Points, others: Points, measure: Measure) -> Iterator[tuple[int, Floats]]:
    """Yield (first row, distances to all of `others`) in row blocks; squared where they are Euclidean.

    Euclidean ones come from a matrix product, so equal points may be 1e-12 of their squared length apart.
    """
    if measure == "hamming":
        yield from hamming_blocks(points.features, others.features)
        return
    step = rows_per_block(others.n, min(_BLOCK, blocks.BLOCK_VALUES))
    for start, product in products(points.features, others.features, step):
        norms = points.norms[start : start + len(product), None] + others.norms[None, :]
        yield start, norms - 2.0 * product


@dataclass(frozen=True, eq=False)
class NearList:
    """The nearest of `others` to each point, closest first, and where needed all others looked at again.

    Args:
        near: (n, kept) rows of others; a point is never its own neighbour.
        distances: (n, kept) exact.
    """

    points: Points
    others: Points
    measure: Measure
    near: IntArray
    distances: Floats

    def kth(self, k: int, groups: int = 0) -> Kth:
        """The k-th nearest, whole and with each of `groups` patient groups of the others left out.

        Raises:
            NotComputable: where fewer than k others remain.
        """
        others = self.others
        largest = int(np.bincount(others.groups).max()) if groups and others.groups is not None else 0
        if others.n - int(self.points is others) - largest < k:
            raise NotComputable(
                f"The {k} nearest neighbours need more than {k} images on each side; add images."
            )
        return self.place(k, groups)

    def place(self, k: int, groups: int = 0) -> Kth:
        """The same, but row -1 and infinite distance where fewer than k others remain; one column without groups."""
        others = self.others
        columns = 1 + (groups if others.groups is not None else 0)
        if k > self.near.shape[1]:
            return Kth(np.full((len(self.near), columns), -1), np.full((len(self.near), columns), np.inf))
        rows = np.repeat(self.near[:, k - 1 : k], columns, axis=1)
        kth = np.repeat(self.distances[:, k - 1 : k], columns, axis=1)
        if columns == 1 or others.groups is None:
            return Kth(rows, kth)
        owner = others.groups[self.near]
        for group in range(groups):
            touched = np.flatnonzero((owner[:, :k] == group).any(axis=1))
            left = np.cumsum(owner[touched] != group, axis=1)
            place = np.argmax(left == k, axis=1)
            rows[touched, 1 + group] = self.near[touched, place]
            kth[touched, 1 + group] = self.distances[touched, place]
            for row in touched[left[:, -1] < k]:
                rows[row, 1 + group], kth[row, 1 + group] = self._without(int(row), group, k)
        return Kth(rows, kth)

    def _without(self, row: int, group: int, k: int) -> tuple[int, float]:
        stay = np.flatnonzero(self.others.groups != group)
        if self.points is self.others:
            stay = stay[stay != row]
        if len(stay) < k:
            return -1, float("inf")
        exact = exact_distances(self.points, np.full(len(stay), row), self.others, stay, self.measure)
        place = np.argsort(exact, kind="stable")[k - 1]
        return int(stay[place]), float(exact[place])


def near_list(points: Points, others: Points, k: int, measure: Measure = "euclidean") -> NearList:
    """Exact lists of the nearest others, long enough for the k-th one with a patient group left out."""
    kept = min(k + _MORE, others.n - int(points is others))
    return NearList(points, others, measure, *_nearest(points, others, max(0, kept), measure))


def near_training(comparison: Comparison, k: int, measure: Measure = "euclidean") -> NearList:
    """The training images nearest to each training image; made once for all metrics that ask for so many or fewer."""
    wanted = max(k, _USUAL)
    real = comparison.real
    return comparison.shared(
        f"near-training:{measure}:{wanted}", lambda: near_list(real, real, wanted, measure)
    )


def kth_nearest(points: Points, others: Points, k: int, groups: int = 0) -> Kth:
    """The k-th nearest by Euclidean distance, as `NearList.kth`."""
    return near_list(points, others, k).kth(k, groups)


def exact_distances(
    points: Points, rows: IntArray, others: Points, near: IntArray, measure: Measure
) -> Floats:
    """(p,) distances of pairs of rows by direct difference, in pieces."""
    found = np.empty(len(rows))
    step = rows_per_block(points.features.shape[1], _IN_CACHE)
    for start in range(0, len(rows), step):
        at = slice(start, start + step)
        found[at] = _direct(points.features[rows[at]], others.features[near[at]], measure)
    return found


def _direct(a: Floats, b: Floats, measure: Measure) -> Floats:
    if measure == "hamming":
        return np.asarray((a != b).sum(axis=1) / a.shape[1])
    return squared_distances(a, b)


def _nearest(points: Points, others: Points, kept: int, measure: Measure) -> tuple[IntArray, Floats]:
    """(n, kept) rows and exact distances of the nearest others, closest first."""
    near = np.empty((points.n, kept), dtype=np.int64)
    if not kept:
        return near, np.empty((points.n, 0))
    distances = np.empty((points.n, kept))
    for start, block in distance_blocks(points, others, measure):
        rows = np.arange(start, start + len(block))
        if points is others:
            block[np.arange(len(rows)), rows] = np.inf
        candidates = np.sort(np.argpartition(block, kept - 1, axis=1)[:, :kept], axis=1)
        pairs = np.repeat(rows, kept), candidates.reshape(-1)
        exact = exact_distances(points, pairs[0], others, pairs[1], measure).reshape(-1, kept)
        order = np.argsort(exact, axis=1, kind="stable")
        near[rows] = np.take_along_axis(candidates, order, axis=1)
        distances[rows] = np.take_along_axis(exact, order, axis=1)
    return near, distances
