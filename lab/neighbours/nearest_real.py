"""The nearest-neighbour audit of a whole set: distance, distance ratio, and copy, real and non-real sets.

NNDR is the distance to the nearest training film over that to the second nearest: about 1 for a new film, near 0
for a copy; below 0.6 it is flagged. The three sets are those of Xing et al. (MICCAI 2023,
arXiv 2305.18337): r_k(x) is the distance of a real film x to its k-th nearest other one; a sample nearer than
r_1(x) to some x is in the copy set, else nearer than r_k(x) to some x in the real set, else in the non-real set.
"""

# Not `lab.neighbours.search`: distances are Euclidean, and every ball of the reference is asked which samples it holds.
# Not `lab.metrics.xing`: the reference may stay in its file, and films of the same patient may be left out of radii.
# Reference tests hold both to the same printed shares.
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.errors import NotComputable

FLAG_BELOW = 0.6
K = 5
# A set whose features hardly vary has collapsed; its copy radius is widened by the same number.
COLLAPSED = 0.05
COPY, REAL, NON_REAL = "copy", "real", "non-real"
QUERIES, TILE = 1024, 8192
TINY = 1e-8
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """Nearest training films of m samples.

    Attributes:
        distances: (m, 2) Euclidean, to the nearest and the second nearest; inf where there is none.
        rows: (m,) the nearest.
        copied: (m,) the nearest film among those whose r_1 reaches the sample, -1 where there is none.
        inside: (m,) the same for r_k.
    """

    distances: Floats
    rows: Rows
    copied: Rows
    inside: Rows

    @property
    def nndr(self) -> Floats:
        """Distance ratio (m,); 1 where there is no second film."""
        first, second = self.distances.T
        return np.where(np.isfinite(second), first / (second + TINY), 1.0)

    @property
    def sets(self) -> NDArray[np.str_]:
        """The set of each sample: "copy", "real" or "non-real"."""
        return np.where(self.copied >= 0, COPY, np.where(self.inside >= 0, REAL, NON_REAL))

    @property
    def offending(self) -> Rows:
        """The film to show beside each sample: that whose ball it lies in, else the nearest."""
        return np.where(self.copied >= 0, self.copied, np.where(self.inside >= 0, self.inside, self.rows))


def radii(reference: NDArray[Any], k: int = K, groups: NDArray[Any] | None = None) -> Floats:
    """r_1 and r_k (n, 2) of each training film: distance to its nearest and k-th nearest other film.

    Args:
        reference: (n, d).
        groups: (n,) patients; films of the same patient are left out. None leaves out the film alone.

    Raises:
        NotComputable: when some film has fewer than k others.
    """
    own = (
        np.arange(len(reference)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    )
    most = int(np.bincount(own).max(initial=0)) if len(own) else 0
    if len(reference) - most < k:
        raise NotComputable(
            f"Fewer than {k} training images of other patients are here; no set was told apart; add images."
        )
    out = np.empty((len(reference), 2))
    for start in range(0, len(reference), QUERIES):
        block = np.asarray(reference[start : start + QUERIES], dtype=np.float64)
        best = np.full((len(block), k), np.inf)
        for tile, squared in _tiles(block, reference):
            squared[own[start : start + len(block), None] == own[None, tile]] = np.inf
            best = np.partition(np.concatenate([best, squared], axis=1), k - 1, axis=1)[:, :k]
        out[start : start + QUERIES] = np.sqrt(np.sort(best, axis=1)[:, [0, -1]])
    return out


def nearest_real(samples: NDArray[Any], reference: NDArray[Any], reach: Floats | None = None) -> Nearest:
    """Nearest training films of every sample, in blocks: no m x n matrix is held.

    Args:
        samples: (m, d).
        reference: (n, d), in memory or memory-mapped.
        reach: r_1 and r_k (n, 2), from `radii`; None tells no sets apart.

    Raises:
        NotComputable: without samples or training films.
    """
    if not len(samples) or not len(reference):
        raise NotComputable(
            "There is nothing to compare; nothing was measured; choose samples and a dataset."
        )
    if reach is not None and collapsed(samples):
        reach = reach + np.array([COLLAPSED, 0.0])
    parts = [
        _block(np.asarray(samples[start : start + QUERIES], dtype=np.float64), reference, reach)
        for start in range(0, len(samples), QUERIES)
    ]
    return Nearest(*(np.concatenate(found) for found in zip(*parts, strict=True)))


def closest_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of an audit, those to look at first on top: by p, then by registered and by feature distance."""
    return table.sort_values(["p", "registered", "distance"], kind="stable", na_position="last")


def collapsed(samples: NDArray[Any]) -> bool:
    """Whether the mean standard deviation over dimensions is at most 0.05: all samples are one."""
    return float(np.std(np.asarray(samples, dtype=np.float64), axis=0).mean()) <= COLLAPSED


def _block(block: Floats, reference: NDArray[Any], reach: Floats | None) -> tuple[Any, ...]:
    """Distances (m, 2), nearest row, nearest row within r_1 and within r_k of a block of samples."""
    count = len(block)
    best, names = np.full((count, 2), np.inf), np.full((count, 2), -1, dtype=np.int64)
    within = [(np.full(count, np.inf), np.full(count, -1, dtype=np.int64)) for _ in range(2)]
    for tile, squared in _tiles(block, reference):
        order = np.argsort(squared, axis=1, kind="stable")[:, :2]
        both = np.concatenate([best, np.take_along_axis(squared, order, axis=1)], axis=1)
        rows = np.concatenate([names, order + tile.start], axis=1)
        keep = np.argsort(both, axis=1, kind="stable")[:, :2]
        best, names = np.take_along_axis(both, keep, axis=1), np.take_along_axis(rows, keep, axis=1)
        for number, (least, row) in enumerate(within if reach is not None else ()):
            assert reach is not None  # noqa: S101
            inside = np.where(squared < reach[tile, number][None] ** 2, squared, np.inf)
            at = inside.argmin(axis=1)
            value = inside[np.arange(count), at]
            better = value < least
            least[better], row[better] = value[better], at[better] + tile.start
    exact = np.where(names >= 0, _exact(block, reference, names), np.inf)
    return exact, names[:, 0], within[0][1], within[1][1]


def _tiles(block: Floats, reference: NDArray[Any]) -> Any:
    """Squared distances (m, t) of a block to tiles of the reference, with the tile's slice."""
    length = np.einsum("md,md->m", block, block)[:, None]
    for start in range(0, len(reference), TILE):
        part = np.asarray(reference[start : start + TILE], dtype=np.float64)
        squared = length + np.einsum("td,td->t", part, part)[None] - 2.0 * (block @ part.T)
        yield slice(start, start + len(part)), np.maximum(squared, 0.0)


def _exact(block: Floats, reference: NDArray[Any], names: Rows) -> Floats:
    """Distances to the named rows from differences: squares of nearly equal vectors cancel."""
    gaps = [
        np.linalg.norm(block - np.asarray(reference[column], dtype=np.float64), axis=1) for column in names.T
    ]
    return np.stack(gaps, axis=1)
