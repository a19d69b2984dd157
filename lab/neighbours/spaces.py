"""One image among the training films in several spaces side by side, and how far the spaces agree.

Pixels (registered correlation), structure (SSIM after registration) and the features of each extractor order the
films by nearness; a film that is near in all of them is near, one that is near in a single space may be an accident
of that space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.candidates import candidate_rows
from lab.neighbours.reference import Queries, ReferenceSet
from lab.neighbours.structural import structural_distances

PIXELS, STRUCTURE = "pixels", "structure"
TOP = 10
BLOCK = 8192
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Space:
    """How near every film is in one space.

    Attributes:
        name: "pixels", "structure" or the id of an extractor.
        distances: (n,) to each training film; inf where the film was not compared.
    """

    name: str
    distances: Floats

    @property
    def compared(self) -> int:
        """How many films were compared."""
        return int(np.isfinite(self.distances).sum())

    def nearest(self, k: int) -> NDArray[np.int64]:
        """The k nearest rows, nearest first; equal distances by row."""
        order = np.argsort(self.distances, kind="stable")[:k]
        return order[np.isfinite(self.distances[order])].astype(np.int64)

    def ranks(self, rows: Sequence[int]) -> list[int | None]:
        """Rank of each row, 1 for the nearest, equal distances alike; None where it was not compared."""
        found = self.distances[list(rows)]
        return [int((self.distances < one).sum()) + 1 if np.isfinite(one) else None for one in found]


@dataclass(frozen=True)
class Agreement:
    """How far two spaces agree on one image.

    Attributes:
        spearman: rank correlation of the distances to all films compared in both, -1..1; None below 3 films.
        overlap: how many of the 10 nearest are the same, 0..10.
    """

    first: str
    second: str
    spearman: float | None
    overlap: int


def pixel_spaces(query: Queries, reference: ReferenceSet) -> tuple[Space, Space]:
    """Pixels and structure for one image: all films of a small set, the candidates of a large one."""
    chosen = candidate_rows(query, reference)
    rows = np.arange(len(reference)) if chosen is None else chosen[0]
    near, variants = reference.registered.distances(query.lowres[:1], None if chosen is None else rows)
    pixels, structure = (np.full(len(reference), np.inf) for _ in range(2))
    pixels[rows] = near[0]
    structure[rows] = structural_distances(query.lowres[0], reference, rows, variants[0])
    return Space(PIXELS, pixels), Space(STRUCTURE, structure)


def feature_space(name: str, features: NDArray[np.float32], rows: NDArray[np.float32]) -> Space:
    """Feature cosine distance of one image, as is or mirrored, to all films.

    Args:
        features: (2, d) unit vectors of the image: as is, mirrored.
        rows: (n, d) unit vectors of the films, in memory or memory-mapped.
    """
    out = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), BLOCK):
        part = np.asarray(rows[start : start + BLOCK])
        gaps = [((part - way) ** 2).sum(axis=1, dtype=np.float64) / 2.0 for way in features]
        out[start : start + BLOCK] = np.minimum(*gaps)
    return Space(name, out)


def candidate_space(name: str, rows: Sequence[int], distances: Floats, count: int) -> Space:
    """A space that compares pairs and so measures candidates only, which other spaces found.

    Args:
        rows: the candidates.
        distances: (len(rows),).
        count: films in all.
    """
    whole = np.full(count, np.inf)
    whole[list(rows)] = distances
    return Space(name, whole)


def agreements(spaces: Sequence[Space], k: int = TOP) -> list[Agreement]:
    """Rank correlation and shared nearest films of every pair of spaces."""
    from scipy.stats import spearmanr

    found = []
    for one, two in combinations(spaces, 2):
        both = np.isfinite(one.distances) & np.isfinite(two.distances)
        a, b = one.distances[both], two.distances[both]
        varied = len(a) > 2 and np.ptp(a) > 0 and np.ptp(b) > 0
        rank = float(spearmanr(a, b).statistic) if varied else None
        shared = len(set(one.nearest(k).tolist()) & set(two.nearest(k).tolist()))
        found.append(Agreement(one.name, two.name, rank, shared))
    return found


def notable(spaces: Sequence[Space], shown: Sequence[int], each: int = 2, most: int = 12) -> list[int]:
    """Rows worth a line in a picture: those shown already, then the nearest of every space; each once."""
    rows = list(shown)
    for space in spaces:
        rows += [int(row) for row in space.nearest(each)]
    return list(dict.fromkeys(rows))[:most]
