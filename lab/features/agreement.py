"""How far two feature spaces agree on what is near: one number alone would hide that an answer hangs on one space.

Two figures. Rank agreement: Spearman's correlation between the distances from one query to all references in one
space and in the other, averaged over queries; 1 when both order all references alike, 0 when their orders have
nothing to do with each other. Overlap: the share of a query's k nearest in one space that are among its k nearest
in the other; k / n is what chance gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError, NotComputable
from lab.features.unit import unit

CHUNK = 64
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """What two spaces have in common, over `queries` queries and `references` references.

    Attributes:
        spearman: mean rank correlation of distances over queries, -1 to 1.
        overlap: mean share of the k nearest in common, 0 to 1.
        chance: the overlap that unrelated orders would have.
        per_query: each query's rank correlation (queries,), float64, in their order.
        top_per_query: each query's share of the k nearest in common (queries,), float64.
    """

    spearman: float
    overlap: float
    chance: float
    k: int
    queries: int
    references: int
    per_query: NDArray[np.float64]
    top_per_query: NDArray[np.float64]

    @property
    def sentence(self) -> str:
        """Both figures in words."""
        return (
            f"The two spaces agree on the order of distances by {self.spearman:.2f} (rank correlation, 1 is full "
            f"agreement) and share {self.overlap:.0%} of the {self.k} nearest ({self.chance:.0%} by chance)."
        )


def agreement(
    features_a: Matrix,
    features_b: Matrix,
    k: int = 10,
    queries_a: Matrix | None = None,
    queries_b: Matrix | None = None,
    limit: int = 500,
) -> Agreement:
    """Agreement of two spaces over the same images, by cosine distance.

    Args:
        features_a, features_b: references in both spaces, (n, any) float32, row for row the same images.
        k: how many nearest to compare.
        queries_a, queries_b: queries in both spaces, (m, any); without them each reference is a query and is left
            out of its own answer.
        limit: above so many queries an even pick of them is taken.

    Raises:
        InputError: when rows of the two spaces do not belong together.
        NotComputable: when there are not more than k references beside a query, or fewer than 3.
    """
    own = queries_a is None and queries_b is None
    asked_a, asked_b = (features_a, features_b) if own else (queries_a, queries_b)
    if (
        asked_a is None
        or asked_b is None
        or len(features_a) != len(features_b)
        or len(asked_a) != len(asked_b)
    ):
        raise InputError(
            "The two spaces do not hold the same images; nothing was compared; embed the same set in both."
        )
    rest = len(features_a) - own
    if not len(asked_a) or rest < max(3, k + 1) or k < 1:
        raise NotComputable(
            f"The agreement of two spaces over {k} nearest needs at least {max(3, k + 1) + own} images."
        )
    rows = np.unique(np.linspace(0, len(asked_a) - 1, min(limit, len(asked_a))).round().astype(int))
    unit_a, unit_b = unit(features_a), unit(features_b)
    ranks, tops = [], []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        left = _without(1.0 - unit(asked_a[part]) @ unit_a.T, part if own else None)
        right = _without(1.0 - unit(asked_b[part]) @ unit_b.T, part if own else None)
        ranks.append(_rank_correlation(left, right))
        tops.append(_common(left, right, k))
    per_query, top = np.concatenate(ranks), np.concatenate(tops)
    return Agreement(
        float(per_query.mean()), float(top.mean()), k / rest, k, len(rows), len(features_a), per_query, top
    )


def _without(distances: Matrix, own: NDArray[np.int_] | None) -> Matrix:
    """Rows of distances with each query's own column taken out."""
    if own is None:
        return distances
    kept = np.ones(distances.shape, dtype=bool)
    kept[np.arange(len(own)), own] = False
    return distances[kept].reshape(len(own), -1)


def _rank_correlation(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    """Spearman's correlation row by row; equal distances share their mean rank, a constant row gives 0."""
    from scipy.stats import rankdata

    a, b = (rankdata(side, axis=1) for side in (left, right))
    a, b = (side - side.mean(axis=1, keepdims=True) for side in (a, b))
    below = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / np.where(below > 0, below, 1.0))


def _common(left: Matrix, right: Matrix, k: int) -> NDArray[np.float64]:
    first, second = (np.argpartition(side, k - 1, axis=1)[:, :k] for side in (left, right))
    return np.array([len(np.intersect1d(a, b)) / k for a, b in zip(first, second, strict=True)])
