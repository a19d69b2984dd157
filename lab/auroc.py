"""Area under the ROC curve: how often a positive score lies above a negative one, ties counted half.

It is the Mann-Whitney U over the number of pairs (Hanley and McNeil 1982, Radiology 143:29). Every area of the lab is
computed here; `lab.leakage.roc` has the curve itself and the rates at its ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_VALUES = 250_000


def mann_whitney_u(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Pairs in which the (p,) positive score exceeds the (n,) negative one, ties counted half; exact."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float(below.sum() + upto.sum()) / 2


def auroc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Area of (p,) finite scores of positives against (n,) of negatives, 0 to 1; NaN where a side is empty.

    As scikit-learn's `roc_auc_score` to 1e-12.
    """
    pairs = len(positive) * len(negative)
    return mann_whitney_u(positive, negative) / pairs if pairs else float("nan")


def drawn_aurocs(
    scores: NDArray[np.floating],
    positive: NDArray[np.bool_],
    groups: NDArray[np.integer],
    counts: NDArray[np.integer | np.floating],
) -> Floats:
    """Areas over draws of whole groups, such as patients: what a bootstrap takes its percentiles of.

    Args:
        scores: (n,) finite.
        positive: (n,) which of them are positives.
        groups: (n,) group 0..g-1 of each; a group may hold both kinds.
        counts: (r, g) how often each group is drawn. Areas of float32 counts are right to 1e-6 as long as a draw holds
            fewer than 2^24 scores, and take half the time; others are as scikit-learn's with weights to 1e-12.

    Returns:
        (r,) areas; NaN where a draw leaves one kind only.
    """
    if not len(scores):
        return np.full(len(counts), np.nan)
    order = np.argsort(scores, kind="stable")
    ranked, owners, flags = scores[order], groups[order], positive[order]
    # Tied scores move together: each counts half of the negatives it is tied with.
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    kind: type[np.floating] = np.float32 if counts.dtype == np.float32 else np.float64
    found, step = np.empty(len(counts)), max(1, _VALUES // len(scores))
    for start in range(0, len(counts), step):
        drawn = counts[start : start + step, owners].astype(kind, copy=False)
        ours = drawn * flags
        others = drawn - ours
        if len(starts) < len(ranked):
            ours = np.add.reduceat(ours, starts, axis=1)
            others = np.add.reduceat(others, starts, axis=1)
        found[start : start + step] = _areas(ours, others)
    return found


def _areas(ours: NDArray[np.floating], others: NDArray[np.floating]) -> Floats:
    """(r,) areas from (r, k) weights of both kinds at k rising scores."""
    upto = np.cumsum(others, axis=1)
    pairs = ours.sum(axis=1, dtype=np.float64) * upto[:, -1]
    upto -= others / 2
    won = np.multiply(ours, upto, out=upto).sum(axis=1, dtype=np.float64)
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
