"""The nearest column of each row where the processor multiplies bfloat16: it proposes, exact distances decide.

One product gives |c|^2 - 2 r.c, the squared length of a column going along in three columns of its own. Rounding of
the features is measured, that of sums and of the result bounded, so a column that is not listed cannot be the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.nearest_column import first_of_equals
from lab.metrics.radii import pair_distances

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Features = NDArray[np.floating]
Tensor = Any
# Fewer rows are searched faster than the columns are rounded.
WORTH = 256
# Candidates a row, more than which say that rounding hides who is near.
MOST = 48
_TILE = 1024
_STRIP = 256
_PARTS = 3
_SINGLE, _BFLOAT16 = 2.0**-24, 2.0**-8
_LARGEST, _SMALLEST = 1e15, 1e-12


@dataclass(frozen=True, eq=False)
class _Side:
    """Rows or columns, centred and rounded.

    Args:
        values: (n, w) bfloat16, ready to be multiplied.
        lengths: (n,) float32 of the centred features, before they are rounded.
        errors: (n,) float32 lengths of what rounding took, an upper bound.
    """

    values: Tensor
    lengths: Tensor
    errors: Tensor


@lru_cache(maxsize=1)
def _multiplies() -> bool:
    """Whether this processor multiplies bfloat16 and adds in single precision."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def takes(rows: Features) -> bool:
    """Whether this way is open and worth its rounding; the caller has seen to single precision and a processor."""
    return len(rows) >= WORTH and _multiplies()


def coarse_nearest(rows: Features, columns: Features) -> tuple[IntArray, Floats] | None:
    """Nearest column of each row and the exact squared distance, the first of equals.

    Args:
        rows: (n, d) float32.
        columns: (m, d) float32.

    Returns:
        (n,) columns and (n,) squared distances; None where rounding leaves too many columns open, or a distance is
        not within the bounds that the processor promises.
    """
    middle = columns.mean(axis=0, dtype=np.float64).astype(np.float32)
    one, two = _rounded(rows, middle, True), _rounded(columns, middle, False)
    longest = float(max(one.lengths.max(), two.lengths.max()))
    if not _SMALLEST < longest < _LARGEST:
        return None
    slack = _slack(one, two, rows.shape[1])
    listed = _listed(one, two, slack)
    return None if listed is None else _decided(rows, columns, one, slack, listed)


def _rounded(features: Features, middle: NDArray[np.float32], of_rows: bool) -> _Side:
    import torch

    n, dimension = features.shape
    width = -(-(dimension + _PARTS) // 32) * 32
    values = torch.zeros((n, width), dtype=torch.bfloat16)
    lengths, errors = torch.empty(n), torch.empty(n)
    for start in range(0, n, _STRIP):
        at = slice(start, start + _STRIP)
        part = torch.from_numpy(features[at] - middle)
        short = part.bfloat16()
        lengths[at] = torch.linalg.vector_norm(part, dim=1)
        errors[at] = torch.linalg.vector_norm(part - short.float(), dim=1)
        values[at, :dimension] = short * -2.0 if of_rows else short
        left = lengths[at].square()
        for column in range(dimension, dimension + _PARTS):
            values[at, column] = 1.0 if of_rows else left
            left = left - values[at, column].float()
    grown = 1.0 + (dimension + 16) * _SINGLE
    return _Side(values, lengths * grown, errors * grown + 2.0 * _SINGLE * lengths)


def _slack(rows: _Side, columns: _Side, dimension: int) -> Tensor:
    """(n,) by how much |c|^2 - 2 r.c of a row may be off before the result itself is rounded."""
    longest, largest = columns.lengths.max(), columns.errors.max()
    features = 2.0 * (rows.errors * longest + (rows.lengths + rows.errors) * largest)
    sums = (dimension + 64) * 4.0 * _SINGLE * (rows.lengths + longest).square()
    return 1.01 * (features + sums)


def _listed(rows: _Side, columns: _Side, slack: Tensor) -> tuple[IntArray, IntArray, Floats] | None:
    """Rows, columns and products of all pairs that may be nearest."""
    import torch

    n, m = len(rows.values), len(columns.values)
    bound, found, count = torch.full((n,), float("inf")), [], 0
    for start in range(0, n, _TILE):
        at = slice(start, start + _TILE)
        for first in range(0, m, _TILE):
            product = torch.mm(rows.values[at], columns.values[first : first + _TILE].T)
            best = product.amin(dim=1).float()
            torch.minimum(bound[at], best + _BFLOAT16 * 1.01 * best.abs() + slack[at], out=bound[at])
            limit = bound[at] + slack[at]
            limit = limit + 3.0 * _BFLOAT16 * limit.abs()
            near = (best <= limit).nonzero(as_tuple=True)[0]
            some = product[near]
            line, column = (some <= limit[near, None].bfloat16()).nonzero(as_tuple=True)
            count += len(line)
            if count > MOST * (at.start + _TILE):
                return None
            found.append((near[line] + start, column + first, some[line, column].float()))
    row, column, value = (torch.cat(part) for part in zip(*found, strict=True))
    kept = value - _BFLOAT16 * 1.01 * value.abs() <= (bound + slack)[row]
    return row[kept].numpy(), column[kept].numpy(), value[kept].double().numpy()


def _decided(
    rows: Features, columns: Features, side: _Side, slack: Tensor, listed: tuple[IntArray, IntArray, Floats]
) -> tuple[IntArray, Floats] | None:
    """The nearest of the listed by direct difference; first of each row the likeliest, which leaves few others."""
    row, column, value = listed
    likeliest = first_of_equals(row, column, value)
    if len(likeliest) < len(rows):
        return None
    exact = np.full(len(row), np.inf)
    exact[likeliest] = pair_distances(rows, row[likeliest], columns, column[likeliest])
    middle = side.lengths.double().numpy()[row] ** 2 + value
    off = 1.01 * _BFLOAT16 * np.abs(value) + slack.double().numpy()[row]
    if (np.abs(exact - middle) > off)[likeliest].any():
        return None
    least = middle - off
    open_ = np.isinf(exact) & (least <= exact[likeliest][row])
    exact[open_] = pair_distances(rows, row[open_], columns, column[open_])
    first = first_of_equals(row, column, exact)
    return column[first], exact[first]
