"""The nearest column of each row where nothing else is asked: FAISS proposes, exact distances decide.

FAISS works in single precision on the features as they are. Its six nearest are taken; where the sixth is farther
than the first by more than rounding can explain, the nearest is among them, and is found by direct difference in
float64. The other rows, few unless many images are equal, go through the exact pass over tiles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.nearest_column import UNDERFLOW
from lab.metrics.radii import pair_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Features = NDArray[np.floating]
PROPOSED = 6
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
    import faiss

    squared, found = faiss.knn(
        np.ascontiguousarray(rows), np.ascontiguousarray(columns), PROPOSED, metric=faiss.METRIC_L2
    )
    lengths = [np.einsum("nd,nd->n", side, side, dtype=np.float32) for side in (rows, columns)]
    longest = float(lengths[1].max())
    # Both squared lengths and twice the product, each a sum of d terms, are off by less than this.
    unit = 2.0 * (rows.shape[1] + 16) * _SINGLE
    slack = unit * (lengths[0].astype(np.float64) + longest) * 1.01 + UNDERFLOW
    limit = squared[:, :1].astype(np.float64) + 2.0 * slack[:, None]
    near = squared <= limit
    safe = np.isfinite(squared).all(axis=1) & (longest < _LARGEST) & (lengths[0] < _LARGEST)
    line, place = np.nonzero(near & safe[:, None])
    exact = np.full(squared.shape, np.inf)
    exact[line, place] = pair_distances(rows, line, columns, found[line, place])
    # Of equals the first column, as everywhere.
    order = np.lexsort([found, exact], axis=1)[:, 0]
    at = np.arange(len(rows))
    return found[at, order], exact[at, order], np.flatnonzero(near[:, -1] | ~safe)


def searched(row: Features, columns: Features) -> tuple[int, float]:
    """Nearest of all columns to one (d,) row, the first of equals, and the exact squared distance."""
    squared = np.empty(len(columns))
    for start in range(0, len(columns), _STRIP):
        difference = np.subtract(columns[start : start + _STRIP], row, dtype=np.float64)
        squared[start : start + _STRIP] = np.einsum("nd,nd->n", difference, difference)
    first = int(np.argmin(squared))
    return first, float(squared[first])
