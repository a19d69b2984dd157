"""Nearest training images of each point, whole and with each patient group left out: exact, in blocks.

Candidates come from a matrix product; their distances are computed again by direct difference, so that numbers do not
depend on block size or BLAS. Equal distances are ordered by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.metrics.blocks import products
from lab.metrics.points import Points, squared_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
_MORE = 35


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k nearest reference points of m points.

    Args:
        distances: (m, 1 + g, k) Euclidean; column j with group j - 1 left out of the reference, column 0 with none.
        rows: (m, 1 + g, k) their rows in the reference.
    """

    distances: Floats
    rows: IntArray

    @property
    def first(self) -> Floats:
        """(m,) distance to the nearest reference point."""
        return self.distances[:, 0, 0]


def nearest(points: Points, reference: Points, groups: int = 0, k: int = 2, same: bool = False) -> Nearest:
    """The k nearest reference points of each point; infinite distance and row -1 where there are fewer.

    Args:
        points: what is looked up.
        reference: where.
        groups: patient groups of the reference that are left out in turn; 0 for none.
        k: neighbours wanted.
        same: the points are the reference itself: a point is not its own neighbour.
    """
    of_group = reference.groups if groups and reference.groups is not None else None
    columns = 1 + (groups if of_group is not None else 0)
    distances = np.full((points.n, columns, k), np.inf)
    rows = np.full((points.n, columns, k), -1, dtype=np.int64)
    kept = min(k + _MORE, reference.n - int(same))
    if kept < 1:
        return Nearest(distances, rows)
    for start, product in products(points.features, reference.features):
        block = reference.norms[None, :] - 2.0 * product
        if same:
            at = np.arange(len(block))
            block[at, start + at] = np.inf
        near = np.argpartition(block, kept - 1, axis=1)[:, :kept] if kept < reference.n else _all(block, same)
        for offset, candidates in enumerate(near):
            row = start + offset
            _fill(row, points.features[row], candidates, reference, of_group, (distances, rows), same)
    np.sqrt(distances, out=distances)
    return Nearest(distances, rows)


def _all(block: Floats, same: bool) -> IntArray:
    """All columns of each row; a point's own, at infinity, is left out."""
    order = np.argsort(block, axis=1, kind="stable")
    return order[:, :-1] if same else order


def _fill(
    row: int,
    point: Floats,
    candidates: IntArray,
    reference: Points,
    of_group: IntArray | None,
    into: tuple[Floats, IntArray],
    same: bool,
) -> None:
    distances, rows = into
    exact, found = _ordered(point, candidates, reference)
    k = distances.shape[2]
    distances[row, :, : len(exact[:k])] = exact[:k]
    rows[row, :, : len(found[:k])] = found[:k]
    if of_group is None:
        return
    groups = of_group[found]
    for group in np.unique(groups[:k]):
        stays = groups != group
        values, names = exact[stays][:k], found[stays][:k]
        if len(values) < k:  # one group holds nearly all candidates: look at every other point
            others = np.flatnonzero(of_group != group)
            values, names = _ordered(point, others[others != row] if same else others, reference)
        distances[row, 1 + group], rows[row, 1 + group] = np.inf, -1
        distances[row, 1 + group, : len(values[:k])] = values[:k]
        rows[row, 1 + group, : len(names[:k])] = names[:k]


def _ordered(point: Floats, candidates: IntArray, reference: Points) -> tuple[Floats, IntArray]:
    exact = squared_distances(reference.features[candidates], point)
    order = np.lexsort([candidates, exact])
    return exact[order], candidates[order]
