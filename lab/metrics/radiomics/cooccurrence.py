"""Grey-level co-occurrence: which levels lie beside each other, in four directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))


def counts(binned: IntArray, direction: tuple[int, int]) -> IntArray:
    """(g, g) symmetric numbers of neighbours at distance 1 in a direction, for levels 1..g."""
    first, second = _neighbours(binned, direction)
    levels = int(binned.max())
    one_way = np.bincount((first - 1) * levels + (second - 1), minlength=levels**2).reshape(levels, levels)
    return np.asarray(one_way + one_way.T)


def cooccurrence(binned: IntArray) -> dict[str, float]:
    """Twenty-three features, each the mean over four directions.

    The sum average is left out: it is twice the joint average of a symmetric matrix.

    Args:
        binned: (H, W) levels from 1 on.
    """
    found = [_features(counts(binned, direction)) for direction in DIRECTIONS]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _neighbours(binned: IntArray, direction: tuple[int, int]) -> tuple[IntArray, IntArray]:
    down, right = direction
    height, width = binned.shape
    if right >= 0:
        first, second = binned[: height - down, : width - right], binned[down:, right:]
    else:
        first, second = binned[: height - down, -right:], binned[down:, : width + right]
    return first.ravel(), second.ravel()


def _features(table: IntArray) -> dict[str, float]:
    levels = len(table)
    rows, columns = np.nonzero(table)
    joint = table[rows, columns] / table.sum()
    by_sum = _summed(rows + columns + 2, joint, 2 * levels + 1)
    by_gap = _summed(np.abs(rows - columns), joint, levels)
    marginal = _summed(rows, joint, levels)
    sums, gaps, ones = np.arange(len(by_sum)), np.arange(levels), np.arange(1, levels + 1)
    mean = float(ones @ marginal)
    variance = float((ones - mean) ** 2 @ marginal)
    product = float((sums**2 @ by_sum - gaps**2 @ by_gap) / 4.0)
    apart, gap_mean = sums - 2.0 * mean, float(gaps @ by_gap)
    own, together = entropy(marginal), entropy(joint)
    return {
        "autocorrelation": product,
        "joint-average": mean,
        "cluster-prominence": float(apart**4 @ by_sum),
        "cluster-shade": float(apart**3 @ by_sum),
        "cluster-tendency": float(apart**2 @ by_sum),
        "contrast": float(gaps**2 @ by_gap),
        "correlation": 1.0 if variance <= 0.0 else (product - mean**2) / variance,
        "difference-average": gap_mean,
        "difference-entropy": entropy(by_gap),
        "difference-variance": float((gaps - gap_mean) ** 2 @ by_gap),
        "joint-energy": float(joint @ joint),
        "joint-entropy": together,
        "information-1": 0.0 if own <= 0.0 else (together - 2.0 * own) / own,
        "information-2": float(np.sqrt(max(0.0, 1.0 - np.exp(-2.0 * (2.0 * own - together))))),
        "inverse-difference-moment": float((1.0 / (1.0 + gaps**2)) @ by_gap),
        "maximal-correlation": _maximal_correlation(table, marginal),
        "inverse-difference-moment-normalised": float((1.0 / (1.0 + (gaps / levels) ** 2)) @ by_gap),
        "inverse-difference": float((1.0 / (1.0 + gaps)) @ by_gap),
        "inverse-difference-normalised": float((1.0 / (1.0 + gaps / levels)) @ by_gap),
        "inverse-variance": float((1.0 / np.maximum(gaps[1:], 1) ** 2) @ by_gap[1:]),
        "maximum-probability": float(joint.max()),
        "sum-entropy": entropy(by_sum),
        "sum-of-squares": variance,
    }


def _summed(places: IntArray, shares: Floats, count: int) -> Floats:
    """(count,) sums of shares that have one place."""
    return np.asarray(np.bincount(places, weights=shares, minlength=count), dtype=np.float64)


def _maximal_correlation(table: IntArray, marginal: Floats) -> float:
    """Root of the second largest eigenvalue of Q(i, j) = sum over k of p(i,k) p(j,k) / (p(i) p(k)).

    Of a symmetric matrix Q is similar to the square of p(i,j) / root(p(i) p(j)), whose eigenvalues are real.
    """
    present = np.flatnonzero(marginal)
    if len(present) < 2:
        return 1.0
    part = table[np.ix_(present, present)] / table.sum()
    root = np.sqrt(marginal[present])
    values = np.abs(np.linalg.eigvalsh(part / (root[:, None] * root[None, :])))
    return float(np.partition(values, -2)[-2])


def entropy(shares: Floats) -> float:
    """In bits."""
    some = shares[shares > 0]
    return float(-(some @ np.log2(some)))
