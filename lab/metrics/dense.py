"""Symmetric matrices by OpenBLAS and LAPACK: products and reductions that do half the work of plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROWS = 4096


@contextmanager
def blas_threads() -> Iterator[None]:
    """As many BLAS threads as torch has: the processes of this program hold BLAS to one elsewhere."""
    import torch

    with _controller().limit(limits=torch.get_num_threads(), user_api="blas"):
        yield


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401  (brings the library whose threads are meant)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def scatter(features: NDArray[np.floating], mean: Floats) -> Floats:
    """(d, d) sum of the outer products of centred rows, float64, in memory of a few thousand rows at a time."""
    from scipy.linalg import blas

    width = features.shape[1]
    total = np.zeros((width, width), order="F")
    with blas_threads():
        for start in range(0, len(features), _ROWS):
            part = np.subtract(features[start : start + _ROWS], mean, dtype=np.float64)
            total = blas.dsyrk(1.0, part.T, beta=1.0, c=total, lower=1, overwrite_c=1)
    return mirrored(total)


def mirrored(lower: Floats) -> Floats:
    """A symmetric matrix from its lower triangle, in place."""
    step = 512
    for start in range(0, len(lower), step):
        at = slice(start, start + step)
        block = lower[at, at]
        lower[at, at] = np.tril(block) + np.tril(block, -1).T
        lower[at, start + step :] = lower[start + step :, at].T
    return lower


def cholesky(symmetric: Floats) -> Floats | None:
    """Lower factor of a positive definite matrix, None where it is not."""
    from scipy.linalg import lapack

    with blas_threads():
        factor, failed = lapack.dpotrf(symmetric, lower=1, clean=1)
    return None if failed else np.asarray(factor)


def conjugated(factor: Floats, symmetric: Floats) -> Floats:
    """L' S L of a lower triangular L and a symmetric S; its lower triangle alone is filled in."""
    from scipy.linalg import lapack

    with blas_threads():
        inner, _ = lapack.dsygst(symmetric, factor, itype=2, lower=1)
    return np.asarray(inner)


def eigenvalues(lower: Floats) -> Floats:
    """Eigenvalues of a symmetric matrix, smallest first, read from its lower triangle."""
    from scipy.linalg import eigh

    with blas_threads():
        return np.asarray(eigh(lower, eigvals_only=True, driver="ev", check_finite=False))
