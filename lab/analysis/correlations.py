"""How evaluators move together over sets: rank correlations with intervals and exact or drawn permutation tests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 5
DEFINED = 3
EXACT = 8
PERMUTATIONS = 9_999
REPLICATES = 1_000
Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Correlation:
    """Two metrics over n sets.

    Args:
        first, second: their names.
        rho: Spearman's rank correlation, ties share their mean rank; None under 3 sets or where one metric is constant.
        low, high: 95 % interval by bootstrap over sets, of a perfect order as `perfect_order` says; None under 5 sets.
        p: two-sided permutation p, exact up to 8 sets, from 9,999 drawn permutations above.
        n: sets that have both.
    """

    first: str
    second: str
    rho: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int

    @property
    def few(self) -> bool:
        """Whether it rests on fewer than five sets: pages grey it."""
        return self.n < FEWEST

    @property
    def exact(self) -> bool:
        """Whether all permutations were counted."""
        return self.n <= EXACT

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        if self.rho is None:
            return f"Not defined over {self.n} sets."
        between = "" if self.low is None else f" ({self.low:+.2f} to {self.high:+.2f})"
        chance = (
            "" if self.p is None else f"; p {self.p:.3g}{'' if self.exact else ' from drawn permutations'}"
        )
        few = " Fewer than five sets say little." if self.few else ""
        return f"Rank correlation {self.rho:+.2f}{between} over {self.n} sets{chance}.{few}"


def correlations(values: Values, seed: int = 0) -> list[Correlation]:
    """All pairs of metrics, in their order; each pair uses the sets that have both.

    Args:
        values: by metric, then by set (`lab.analysis.goals.values_of`).
        seed: of bootstrap and drawn permutations.
    """
    draws = _Draws(values, seed)
    return [draws.correlation(first, second) for first, second in itertools.combinations(values, 2)]


def against(values: Values, utility: Sequence[str], seed: int = 0) -> list[Correlation]:
    """Each other metric beside each utility metric, in their order."""
    draws = _Draws(values, seed)
    return [
        draws.correlation(name, one)
        for one in utility
        if one in values
        for name in values
        if name not in utility
    ]


def scatter(values: Values, evaluator: str, utility: str) -> list[dict[str, str | float]]:
    """A row a set that has both: its name and both values, sets in alphabetical order."""
    shared = sorted(set(values.get(evaluator, {})) & set(values.get(utility, {})))
    return [
        {"set": name, evaluator: values[evaluator][name], utility: values[utility][name]} for name in shared
    ]


def spearman(first: Floats, second: Floats) -> float | None:
    """Rank correlation of (n,) values, as `scipy.stats.spearmanr` to 1e-12; None where one is constant."""
    a, b = _centred(first[None]), _centred(second[None])
    below = math.sqrt(float((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / below if below > 0 else None


def perfect_order(rho: float, n: int) -> tuple[float, float]:
    """95 % interval of a rank correlation of 1 or -1 over n sets, four or more.

    Sets in perfect order stay so however they are drawn: a bootstrap would call five of them certain. The open end is
    that of the nearest order that is not perfect, two neighbours swapped, by Fisher's z with the variance of Bonett and
    Wright (2000).
    """
    near = 1.0 - 12.0 / (n * (n**2 - 1))
    end = math.tanh(math.atanh(near) - 1.96 * math.sqrt((1.0 + near**2 / 2.0) / (n - 3)))
    return (end, 1.0) if rho > 0 else (-1.0, -end)


class _Draws:
    """Resampled ranks, computed once for each metric and list of sets."""

    def __init__(self, values: Values, seed: int) -> None:
        self._values = values
        self._seed = seed
        self._resampled: dict[tuple[str, tuple[str, ...]], Floats] = {}
        self._orders: dict[int, NDArray[np.int64]] = {}

    def correlation(self, first: str, second: str) -> Correlation:
        sets = tuple(sorted(set(self._values[first]) & set(self._values[second])))
        n = len(sets)
        x, y = (np.asarray([self._values[name][one] for one in sets]) for name in (first, second))
        rho = spearman(x, y) if n >= DEFINED else None
        if rho is None:
            return Correlation(first, second, None, None, None, None, n)
        low, high = None, None
        if n >= FEWEST:
            low, high = self._interval(first, second, sets) if abs(rho) < 1 - 1e-9 else perfect_order(rho, n)
        return Correlation(first, second, rho, low, high, self._chance(x, y), n)

    def _interval(self, first: str, second: str, sets: tuple[str, ...]) -> tuple[float | None, float | None]:
        a, b = self._ranks(first, sets), self._ranks(second, sets)
        below = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        known = below > 0
        if not known.any():
            return None, None
        found = (a * b).sum(axis=1)[known] / below[known]
        low, high = np.percentile(found, (2.5, 97.5))
        return float(low), float(high)

    def _ranks(self, metric: str, sets: tuple[str, ...]) -> Floats:
        """(1000, n) centred ranks of the metric over sets drawn with replacement; the same sets for all metrics."""
        key = (metric, sets)
        if key not in self._resampled:
            rows = np.random.default_rng(self._seed).integers(0, len(sets), (REPLICATES, len(sets)))
            x = np.asarray([self._values[metric][one] for one in sets])
            self._resampled[key] = _centred(x[rows])
        return self._resampled[key]

    def _chance(self, x: Floats, y: Floats) -> float:
        """Share of orders of one metric that correlate at least as strongly, either way."""
        a, b = _centred(x[None])[0], _centred(y[None])[0]
        orders = self._permutations(len(x))
        strength, seen = np.abs(b[orders] @ a), abs(float(a @ b))
        hits = int((strength >= seen - 1e-9).sum())
        return hits / len(orders) if len(x) <= EXACT else (1 + hits) / (1 + len(orders))

    def _permutations(self, n: int) -> NDArray[np.int64]:
        if n not in self._orders:
            rng = np.random.default_rng(self._seed)
            found = (
                list(itertools.permutations(range(n)))
                if n <= EXACT
                else [rng.permutation(n) for _ in range(PERMUTATIONS)]
            )
            self._orders[n] = np.asarray(found, dtype=np.int64)
        return self._orders[n]


def _centred(rows: Floats) -> Floats:
    """(r, n) ranks of each row minus their mean, ties sharing their mean rank."""
    from scipy.stats import rankdata

    ranks = np.asarray(rankdata(rows, axis=1), dtype=np.float64)
    return ranks - ranks.mean(axis=1, keepdims=True)
