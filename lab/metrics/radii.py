"""Distance to the k-th nearest other point, exact, from lists that rounding touches.

Only listed distances that could be the k-th are computed again, by direct difference in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.near_lists import Lists

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
_STEP = 2048
_PAIRS = 512
_MORE = 8


def squared_distances(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """(n,) squared Euclidean distances of matching rows, by direct difference in float64."""
    difference = np.subtract(a, b, dtype=np.float64)
    return np.einsum("nd,nd->n", difference, difference)


def pair_distances(
    a: NDArray[np.floating], rows: IntArray, b: NDArray[np.floating], others: IntArray
) -> Floats:
    """(p,) squared distances of pairs of rows, by direct difference, in pieces."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), _PAIRS):
        at = slice(start, start + _PAIRS)
        found[at] = squared_distances(a[rows[at]], b[others[at]])
    return found


def radii_table(
    features: NDArray[np.floating], lists: Lists, groups: IntArray | None, count: int, k: int
) -> Floats:
    """(n, 1 + count) squared distance to the k-th nearest other point: of all, then without group j - 1.

    A point of the left-out group gets 0: nothing lies strictly inside.

    Args:
        features: (n, d).
        lists: nearest others of each point.
        groups: (n,) group of each point, None for none.
        count: groups left out in turn.
        k: which neighbour; more than k others must remain.
    """
    n = len(features)
    table = np.empty((n, 1 + count))
    for start in range(0, n, _STEP):
        _fill(table, features, lists, np.arange(start, min(start + _STEP, n)), groups, k)
    for group in range(count):
        table[groups == group, 1 + group] = 0.0
    return table


def _fill(
    table: Floats,
    features: NDArray[np.floating],
    lists: Lists,
    rows: IntArray,
    groups: IntArray | None,
    k: int,
) -> None:
    if lists.squared.shape[1] < k:
        table[rows] = 0.0
        return
    row, group = rows, np.full(len(rows), -1)
    if groups is not None and table.shape[1] > 1:
        reach = lists.squared[rows, k - 1] + 2.0 * lists.slack[rows]
        near, _ = np.nonzero(lists.squared[rows] <= reach[:, None])
        owner = groups[lists.rows[rows]][lists.squared[rows] <= reach[:, None]]
        left = np.unique(near * table.shape[1] + owner)
        row = np.concatenate([rows, rows[left // table.shape[1]]])
        group = np.concatenate([group, left % table.shape[1]])
    value = _kth(features, lists, row, group, groups, k)
    table[rows] = value[: len(rows), None]
    table[row, 1 + group] = value


def _kth(
    features: NDArray[np.floating],
    lists: Lists,
    row: IntArray,
    group: IntArray,
    groups: IntArray | None,
    k: int,
) -> Floats:
    """(p,) k-th squared distance of each row with its group left out; -1 leaves none out."""
    squared, slack = lists.squared[row], 2.0 * lists.slack[row, None]
    out = np.zeros(squared.shape, bool) if groups is None else groups[lists.rows[row]] == group[:, None]
    squared = np.where(out, np.inf, squared)
    place = np.argmax(np.cumsum(~out, axis=1) == k, axis=1)
    enough = (~out).sum(axis=1) >= k
    middle = np.where(enough, squared[np.arange(len(row)), place], 0.0)[:, None]
    sure = enough & (lists.complete | (lists.squared[row, -1] > middle[:, 0] + slack[:, 0]))
    maybe = ~out & (np.abs(squared - middle) <= slack) & sure[:, None]
    line, at = np.nonzero(maybe)
    pairs, back = np.unique(row[line] * squared.shape[1] + at, return_inverse=True)
    from_row, to_place = pairs // squared.shape[1], pairs % squared.shape[1]
    exact = pair_distances(features, from_row, features, lists.rows[from_row, to_place])
    known = np.where(squared < middle - slack, -np.inf, np.inf)
    known[line, at] = exact[back.reshape(-1)]
    value: Floats = np.partition(known, k - 1, axis=1)[:, k - 1]
    unsure = np.flatnonzero(~sure)
    for start in range(0, len(unsure), 256):
        part = unsure[start : start + 256]
        value[part] = _searched(features, row[part], group[part], groups, k)
    return value


def _searched(
    features: NDArray[np.floating], row: IntArray, group: IntArray, groups: IntArray | None, k: int
) -> Floats:
    """The same by a search among all points in double precision, for rows whose list does not decide."""
    import torch

    n = len(features)
    centre = features[row].mean(axis=0, dtype=np.float64)
    own = torch.from_numpy(features[row] - centre)
    block = np.empty((len(row), n))
    for start in range(0, n, _STEP):
        part = torch.from_numpy(features[start : start + _STEP] - centre)
        norms = (part * part).sum(dim=1) + (own * own).sum(dim=1)[:, None]
        block[:, start : start + _STEP] = (norms - 2.0 * own @ part.T).numpy()
    block[np.arange(len(row)), row] = np.inf
    if groups is not None:
        block[groups[None, :] == group[:, None]] = np.inf
    kept = min(k + _MORE, n - 1)
    near = np.argpartition(block, kept - 1, axis=1)[:, :kept]
    valid = np.isfinite(np.take_along_axis(block, near, axis=1))
    exact = pair_distances(features, np.repeat(row, kept), features, near.reshape(-1)).reshape(near.shape)
    value: Floats = np.sort(np.where(valid, exact, np.inf), axis=1)[:, k - 1]
    return value
