"""Which films registered correlation looks at: all of a small set, else the best of two exact searches.

Features alone lose blurred and noised copies, low-resolution correlation alone loses moved ones: so the
union of both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.lowres import SIDE
from lab.neighbours.reference import Queries, ReferenceSet

TOP = 200
ALL_BELOW = 2000


def candidate_rows(
    queries: Queries,
    reference: ReferenceSet,
    query_groups: NDArray[Any] | None = None,
    all_below: int = ALL_BELOW,
) -> list[NDArray[np.int64]] | None:
    """Rows of `reference` worth a registered comparison, ascending, one array a query; None means all rows.

    Args:
        query_groups: (m,); so many more are taken that leaving out the query's own group leaves enough.
        all_below: sets smaller than this are searched whole.
    """
    if len(reference) < all_below:
        return None
    spare = 0 if query_groups is None else reference.index.largest_group
    pixels = np.stack([queries.lowres, mirrored(queries.lowres)])
    searches = [(reference.index, ways) for ways in queries.features] + [
        (reference.lowres_index, ways) for ways in pixels
    ]
    joined = np.concatenate([index.proposed(ways, TOP + spare) for index, ways in searches], axis=1)
    return [np.unique(rows) for rows in joined]


def mirrored(lowres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Low-resolution images (n, 2304) mirrored left to right."""
    turned = lowres.reshape(-1, SIDE, SIDE)[:, :, ::-1]
    return np.ascontiguousarray(turned).reshape(len(lowres), -1)
