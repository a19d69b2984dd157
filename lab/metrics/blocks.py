"""Matrix products in row blocks: the only place where metrics choose between NumPy and torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK_VALUES = 4_000_000
_WORTH_TORCH = 1 << 31


def rows_per_block(columns: int, values: int | None = None) -> int:
    """Rows of a block of about `values` numbers (32 MB by default)."""
    return max(1, (BLOCK_VALUES if values is None else values) // max(1, columns))


def products(a: Floats, b: Floats, step: int = 0) -> Iterator[tuple[int, Floats]]:
    """Yield (first row, a[rows] @ b.T) over blocks of `step` rows of `a`; float64 throughout.

    Large products go to torch, which uses all the worker's threads where NumPy's BLAS has one. Both agree
    to 1e-12 relative.
    """
    step = step or rows_per_block(len(b))
    threaded = 2 * a.size * len(b) >= _WORTH_TORCH
    for start in range(0, len(a), step):
        yield start, (_torch_product if threaded else _numpy_product)(a[start : start + step], b)


def _numpy_product(a: Floats, b: Floats) -> Floats:
    return np.asarray(a @ b.T)


def _torch_product(a: Floats, b: Floats) -> Floats:
    import torch

    return np.asarray((torch.from_numpy(a) @ torch.from_numpy(b).T).numpy())
