"""Discrete feature codes (such as those of a vector-quantised autoencoder): told apart from features, and compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison

Floats = NDArray[np.float64]
_BYTES_PER_BLOCK = 16_000_000


def holds_codes(*tables: NDArray[np.floating]) -> bool:
    """Whether all values of (n, d) tables are whole numbers: indices into a code book, not measurements.

    Constant tables say nothing and are not called codes.
    """
    whole = all(bool((np.rint(table) == table).all()) for table in tables)
    return whole and any(len(table) and bool((table != table[0]).any()) for table in tables)


def refuse_codes(comparison: Comparison) -> None:
    """Stop a metric that takes means, spreads or directions of features, which indices do not have.

    Raises:
        NotComputable: where the training images and the samples have discrete codes.
    """
    if comparison.shared("codes", lambda: holds_codes(comparison.given.real, comparison.given.synthetic)):
        raise NotComputable(
            "These features are discrete codes, whose numbers are names and not amounts: means and spreads of"
            " them say nothing; nothing was computed; choose an extractor with continuous features, or one of"
            " the Xing shares, which compare codes by Hamming distance."
        )


def hamming_blocks(a: Floats, b: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield (first row, share of positions in which each row of the block of `a` differs from each row of `b`)."""
    width = a.shape[1]
    values, names = np.unique(np.concatenate([a, b]), return_inverse=True)
    small = np.min_scalar_type(len(values))
    table = names.reshape(-1, width).astype(small)
    first, second = table[: len(a)], table[len(a) :]
    step = max(1, _BYTES_PER_BLOCK // max(1, len(b) * width * small.itemsize))
    for start in range(0, len(a), step):
        differs = first[start : start + step, None, :] != second[None, :, :]
        yield start, differs.sum(axis=2) / width
