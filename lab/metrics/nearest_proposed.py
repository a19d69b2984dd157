"""The nearest column of each row where nothing else is asked: FAISS proposes, exact distances decide.

FAISS works in single precision on the features as they are. Its two nearest are taken; where the second is farther
than the first by more than rounding can explain, the first is the nearest. Rows where it is not are asked for sixteen,
of which those that rounding leaves open are compared by direct difference in float64. Rows that are open even then, few
unless many images are equal, are searched among all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.nearest_column import UNDERFLOW
from lab.metrics.radii import pair_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Features = NDArray[np.floating]
PROPOSED = (2, 16)
_SINGLE = 2.0**-24
_LARGEST = 1e17
_STRIP = 1024
# Fewer columns than this are quicker through tiles.
WORTH = 512


def takes(rows: Features, columns: Features) -> bool:
    """Whether FAISS can propose: single precision on a processor, sets large enough, lengths within its range."""
    from lab.device import CPU
    from lab.metrics.gram import device

    single = rows.dtype == columns.dtype == np.float32
    return single and len(columns) >= WORTH and len(rows) > 0 and device() == CPU


def proposed_nearest(rows: Features, columns: Features) -> tuple[IntArray, Floats, IntArray]:
    """Nearest column of each row, the exact squared distance, and the rows that are not decided.

    Args:
        rows: (n, d) float32.
        columns: (m, d) float32.

    Returns:
        (n,) columns, (n,) squared distances, and the undecided rows, whose entries mean nothing.
    """
    rows, columns = np.ascontiguousarray(rows), np.ascontiguousarray(columns)
    lengths, own = (np.einsum("nd,nd->n", side, side, dtype=np.float32) for side in (columns, rows))
    longest = float(lengths.max())
    # Both squared lengths and twice the product, each a sum of d terms, are off by less than this.
    unit = 2.0 * (rows.shape[1] + 16) * _SINGLE
    slack = unit * (own.astype(np.float64) + longest) * 1.01 + UNDERFLOW
    safe = (longest < _LARGEST) & (own < _LARGEST)
    found, squared = np.zeros(len(rows), np.int64), np.full(len(rows), np.inf)
    left = np.arange(len(rows))
    for count in PROPOSED:
        if not len(left):
            break
        column, exact, decided = _among(rows, columns, left, slack, count)
        found[left], squared[left] = column, exact
        left = left[~(decided & safe[left])]
    return found, squared, left


def _among(
    rows: Features, columns: Features, at: IntArray, slack: Floats, count: int
) -> tuple[IntArray, Floats, NDArray[np.bool_]]:
    """Of some rows the nearest of so many proposals, its exact squared distance, and whether no other can be nearer."""
    import faiss

    asked = rows if len(at) == len(rows) else rows[at]
    squared, found = faiss.knn(asked, columns, min(count, len(columns)), metric=faiss.METRIC_L2)
    limit = squared[:, :1].astype(np.float64) + 2.0 * slack[at, None]
    near = squared <= limit
    near[:, 0] = True
    line, place = np.nonzero(near)
    exact = np.full(squared.shape, np.inf)
    exact[line, place] = pair_distances(asked, line, columns, found[line, place])
    # Of equals the first column, as everywhere.
    order = np.lexsort([found, exact], axis=1)[:, 0]
    row = np.arange(len(at))
    # Whatever is not listed is at least as far as the last one listed, less what rounding may have added to that.
    decided = exact[row, order] <= squared[:, -1] - slack[at]
    return found[row, order], exact[row, order], decided & np.isfinite(squared).all(axis=1)


def searched(row: Features, columns: Features) -> tuple[int, float]:
    """Nearest of all columns to one (d,) row, the first of equals, and the exact squared distance."""
    squared = np.empty(len(columns))
    for start in range(0, len(columns), _STRIP):
        difference = np.subtract(columns[start : start + _STRIP], row, dtype=np.float64)
        squared[start : start + _STRIP] = np.einsum("nd,nd->n", difference, difference)
    first = int(np.argmin(squared))
    return first, float(squared[first])
