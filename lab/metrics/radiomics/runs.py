"""Runs and zones of equal level: run lengths in four directions, sizes of connected zones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.metrics.radiomics.cooccurrence import DIRECTIONS, entropy

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


def run_lengths(binned: IntArray) -> dict[str, float]:
    """Sixteen features of runs, each the mean over four directions; `binned` (H, W) has levels from 1 on."""
    found = [size_features(*runs(binned, direction), binned.size) for direction in range(len(DIRECTIONS))]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def zone_sizes(binned: IntArray) -> dict[str, float]:
    """The same sixteen features of zones of equal level, connected over edges and corners."""
    return size_features(*zones(binned), binned.size)


def runs(binned: IntArray, direction: int) -> tuple[IntArray, IntArray]:
    """Level and length of every run in one of the four directions."""
    order, fresh = _lines(binned.shape, direction)
    along = binned.ravel()[order]
    starts = np.flatnonzero(fresh | np.r_[True, along[1:] != along[:-1]])
    return along[starts], np.diff(np.r_[starts, len(along)])


def zones(binned: IntArray) -> tuple[IntArray, IntArray]:
    """Level and number of pixels of every zone."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    place = np.arange(binned.size).reshape(binned.shape)
    height, width = binned.shape
    ends = []
    for down, right in DIRECTIONS:
        here = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
        there = (slice(down, height), slice(max(0, right), width + min(0, right)))
        equal = binned[here] == binned[there]
        ends.append((place[here][equal], place[there][equal]))
    a, b = (np.concatenate(side) for side in zip(*ends, strict=True))
    graph = coo_matrix((np.ones(len(a), dtype=bool), (a, b)), shape=(binned.size, binned.size))
    count, member = connected_components(graph, directed=False)
    levels = np.zeros(count, dtype=np.int64)
    levels[member] = binned.ravel()
    return levels, np.bincount(member, minlength=count)


def size_features(levels: IntArray, sizes: IntArray, pixels: int) -> dict[str, float]:
    """Sixteen features of things with a level and a size (runs, zones) in a picture of so many pixels."""
    n = len(levels)
    i, j = levels.astype(np.float64), sizes.astype(np.float64)
    by_level, by_size = np.bincount(levels).astype(np.float64), np.bincount(sizes).astype(np.float64)
    both = np.unique(levels * (int(sizes.max()) + 1) + sizes, return_counts=True)[1] / n
    low, high, short, long = 1.0 / i**2, i**2, 1.0 / j**2, j**2
    return {
        "short-emphasis": float(short.mean()),
        "long-emphasis": float(long.mean()),
        "level-non-uniformity": float(by_level @ by_level) / n,
        "level-non-uniformity-normalised": float(by_level @ by_level) / n**2,
        "size-non-uniformity": float(by_size @ by_size) / n,
        "size-non-uniformity-normalised": float(by_size @ by_size) / n**2,
        "share-of-pixels": n / pixels,
        "level-variance": float(i.var()),
        "size-variance": float(j.var()),
        "entropy": entropy(both),
        "low-level-emphasis": float(low.mean()),
        "high-level-emphasis": float(high.mean()),
        "short-low-level-emphasis": float((short * low).mean()),
        "short-high-level-emphasis": float((short * high).mean()),
        "long-low-level-emphasis": float((long * low).mean()),
        "long-high-level-emphasis": float((long * high).mean()),
    }


@lru_cache(maxsize=32)
def _lines(shape: tuple[int, int], direction: int) -> tuple[IntArray, NDArray[np.bool_]]:
    """Pixels line by line in a direction, and where a line begins."""
    down, right = DIRECTIONS[direction]
    rows, columns = (part.ravel() for part in np.indices(shape))
    line = rows if not down else columns - right * rows
    along = columns if not down else rows
    order = np.lexsort([along, line])
    lines = line[order]
    return order, np.r_[True, lines[1:] != lines[:-1]]
