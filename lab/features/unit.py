"""Vectors of length 1: cosine distance is then half the squared gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unit(matrix: NDArray[Any]) -> NDArray[np.float32]:
    """Rows (n, d) scaled to length 1, float32; a row of zeros stays zero."""
    wide = np.asarray(matrix, dtype=np.float32)
    norm = np.sqrt(np.einsum("ij,ij->i", wide, wide, dtype=np.float64))[:, None]
    return np.ascontiguousarray(wide / np.maximum(norm, 1e-12), dtype=np.float32)
