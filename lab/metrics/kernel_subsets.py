"""The kernel distance as published code reports it: the mean over random subsets, with their spread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.gram import worth_single

Floats = NDArray[np.float64]
Features = NDArray[np.floating]
SUBSETS, LARGEST = 100, 1000


def subset_distances(
    a: Features, b: Features, draws: np.random.RandomState, size: int, count: int = SUBSETS
) -> Floats:
    """(count,) unbiased kernel distances of subsets of both sets, drawn without replacement.

    With NumPy's `RandomState` and its own seed the draws are those of torch-fidelity. Where a subset is the whole of
    both sets all values are the same, and one is computed.

    Args:
        a, b: (n, d) and (m, d); subsets of `a` are drawn first.
        size: images a subset, at least 2 and no more than n and m.
    """
    if size == len(a) == len(b):
        return np.full(count, _distance(a, b, worth_single(*a.shape)))
    single = worth_single(size, a.shape[1] * count)
    values = np.empty(count)
    for number in range(count):
        first = a[draws.choice(len(a), size, replace=False)]
        values[number] = _distance(first, b[draws.choice(len(b), size, replace=False)], single)
    return values


def _distance(a: Features, b: Features, single: bool) -> float:
    """Single precision where it pays: 1e-5 of the mean kernel value, far below the spread over subsets."""
    import torch

    kind = torch.float32 if single else torch.float64
    x, y = (torch.from_numpy(np.ascontiguousarray(side)).to(kind) for side in (a, b))
    n = len(x)
    inside = sum(_sum(side, side) - float((_kernel_of((side * side).sum(1), side)).sum()) for side in (x, y))
    return inside / (n * (n - 1)) - 2.0 * _sum(x, y) / (n * n)


def _sum(a: Any, b: Any) -> float:
    return float(_kernel_of(a @ b.T, a).sum(dim=1).double().sum())


def _kernel_of(product: Any, of: Any) -> Any:
    return product.div_(of.shape[1]).add_(1.0).pow_(3)
