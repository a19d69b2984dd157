"""Inception score from class scores: how sure a classifier is of each image, and how many classes the set has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Statistic
from lab.metrics.points import Points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SplitScores:
    """The score of each split; `left` is (g, splits) with one patient group left out, NaN where a split is empty."""

    scores: Floats
    left: Floats

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return float(self.scores.mean())

    @property
    def spread(self) -> float:
        """Population standard deviation over the splits, as torch-fidelity gives it."""
        return float(self.scores.std())

    def statistic(self) -> Statistic:
        """The mean, with its delete-one-group values."""
        return Statistic(self.mean, np.nanmean(self.left, axis=1) if len(self.left) else np.empty(0))


def split_scores(points: Points, splits: int, rng: np.random.Generator) -> SplitScores:
    """exp of the mean Kullback-Leibler divergence of each image's class probabilities from those of its split.

    Args:
        points: scores before the softmax as features.
        splits: parts of nearly equal size, by chance.
        rng: deals the images to the splits.
    """
    return scores_in_order(
        points.features[order := rng.permutation(points.n)],
        splits,
        None if points.groups is None else points.groups[order],
        points.group_count,
    )


def scores_in_order(
    logits: Floats, splits: int, groups: IntArray | None = None, group_count: int = 0
) -> SplitScores:
    """As `split_scores` for (n, c) logits in an order that has been chosen: split i holds rows i n / splits on."""
    n = len(logits)
    found, left = np.empty(splits), np.full((group_count if groups is not None else 0, splits), np.nan)
    for split in range(splits):
        rows = slice(split * n // splits, (split + 1) * n // splits)
        chances = _softmax(logits[rows])
        certainty = (chances * np.log(np.maximum(chances, 1e-300))).sum(axis=1)
        found[split] = _score(chances.sum(axis=0), certainty.sum(), len(chances))
        for group in range(len(left)):
            out = groups[rows] == group if groups is not None else np.zeros(len(chances), bool)
            kept = len(chances) - int(out.sum())
            if kept:
                sums = chances.sum(axis=0) - chances[out].sum(axis=0)
                left[group, split] = _score(sums, certainty.sum() - certainty[out].sum(), kept)
    return SplitScores(found, left)


def _score(sums: Floats, certainty: float, n: int) -> float:
    mean = np.maximum(sums / n, 0.0)
    positive = mean[mean > 0]
    return float(np.exp(certainty / n - (positive * np.log(positive)).sum()))


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
