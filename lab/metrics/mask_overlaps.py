"""Dice of many masks with many, in blocks: mean over the structures that either of two masks shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.metrics.mask_sets import MaskSet
from lab.metrics.mask_shapes import LabelMap, at_side

Floats = NDArray[np.float64]
SIDE = 128
ROWS = 128


def stacked(masks: MaskSet, side: int = SIDE) -> NDArray[np.uint8]:
    """(k, side * side) label maps at one size; values above 255 are refused by the type."""
    out = np.empty((len(masks), side * side), dtype=np.uint8)
    for at in range(len(masks)):
        out[at] = _small(masks[at], side).ravel()
    return out


def overlap(first: LabelMap, second: LabelMap) -> float:
    """Mean Dice over the structures that either mask shows; 1 for two empty masks."""
    k = int(max(first.max(), second.max())) + 1
    joint = np.bincount(first.ravel().astype(np.int64) * k + second.ravel(), minlength=k * k).reshape(k, k)
    both = (joint.sum(axis=0) + joint.sum(axis=1))[1:]
    shown = both > 0
    return float(np.mean(2.0 * np.diag(joint)[1:][shown] / both[shown])) if shown.any() else 1.0


def overlaps(masks: NDArray[np.uint8], others: NDArray[np.uint8]) -> Iterator[tuple[int, int, Floats]]:
    """Blocks of mean Dice: first row, first column, (r, c) values.

    Counts are sums of ones in float32, exact up to 16 million pixels.
    """
    values = [int(v) for v in np.union1d(np.unique(masks), np.unique(others)) if v != 0]
    for column in range(0, len(others), ROWS):
        theirs = [(others[column : column + ROWS] == v).astype(np.float32) for v in values]
        counts = [part.sum(axis=1) for part in theirs]
        for row in range(0, len(masks), ROWS):
            block = masks[row : row + ROWS]
            total = np.zeros((len(block), len(others[column : column + ROWS])))
            shown = np.zeros_like(total)
            for v, part, count in zip(values, theirs, counts, strict=True):
                ours = (block == v).astype(np.float32)
                both = (ours.sum(axis=1)[:, None] + count[None, :]).astype(np.float64)
                total += np.divide(
                    2.0 * (ours @ part.T).astype(np.float64), both, out=np.zeros_like(total), where=both > 0
                )
                shown += both > 0
            yield row, column, np.divide(total, shown, out=np.ones_like(total), where=shown > 0)


def best_matches(masks: NDArray[np.uint8], others: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.int64]]:
    """(k,) largest Dice of each mask with any other, and which one that is."""
    best, which = np.full(len(masks), -1.0), np.zeros(len(masks), dtype=np.int64)
    for row, column, block in overlaps(masks, others):
        rows = np.arange(row, row + len(block))
        at = block.argmax(axis=1)
        value = block[np.arange(len(block)), at]
        better = value > best[rows]
        best[rows[better]], which[rows[better]] = value[better], column + at[better]
    return best, which


def _small(mask: LabelMap, side: int) -> NDArray[np.uint8]:
    return at_side(mask, side, side).astype(np.uint8)
