"""Intervals of shares."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from lab.errors import NotComputable

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """A share `hits / n` with its 95 % Wilson interval; `clusters`: how many patients the n images are of.

    The interval counts images as independent; films of one patient are not, so with clusters < n it is
    too narrow.
    """

    hits: int
    n: int
    low: float
    high: float
    clusters: int

    @property
    def value(self) -> float:
        """The share itself, 0..1."""
        return self.hits / self.n


def wilson(hits: int, n: int, clusters: int | None = None) -> Share:
    """The share `hits / n` with Wilson's score interval (Wilson 1927).

    Raises:
        NotComputable: for n = 0.
    """
    if n < 1:
        raise NotComputable("A share of no images has no value; nothing was computed; take one or more.")
    share, z2 = hits / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Share(hits, n, low, high, n if clusters is None else clusters)
