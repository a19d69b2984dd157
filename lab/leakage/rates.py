"""Rates of an attack at few false alarms, and their intervals by patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.patients import REPLICATES, index_patients

Floats = NDArray[np.float64]
_BLOCK = 100


@dataclass(frozen=True)
class Rate:
    """`hits` of `n` members recognised at a false-positive rate of at most `fpr`, with an interval.

    Attributes:
        allowed: false alarms among the `others` non-members at this operating point.
    """

    fpr: float
    hits: int
    n: int
    low: float
    high: float
    allowed: int
    others: int

    @property
    def value(self) -> float:
        """True-positive rate, 0..1."""
        return self.hits / self.n


def rate_at(members: Floats, others: Floats, level: float, confidence: float = 0.95) -> Rate:
    """The true-positive rate at the lowest threshold that lets at most that share of non-members through.

    Its interval is that of Clopper and Pearson: right where every film is of another patient.
    """
    allowed = int(np.floor(level * len(others) + 1e-9))
    ranked = np.sort(others)[::-1]
    hits = int((members > ranked[allowed]).sum()) if allowed < len(ranked) else len(members)
    low, high = clopper_pearson(hits, len(members), confidence)
    passed = int((others > ranked[allowed]).sum()) if allowed < len(ranked) else len(others)
    return Rate(level, hits, len(members), low, high, passed, len(others))


def clopper_pearson(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1.0 - tail, hits + 1, n - hits))
    return low, high


@dataclass(frozen=True, eq=False)
class Drawn:
    """Bootstrap replicates over patients of both sides.

    Attributes:
        rates: (replicates, levels) true-positive rates.
        best: (replicates,) best balanced accuracy over all thresholds.
    """

    rates: Floats
    best: Floats


def draw_rates(
    members: Floats,
    others: Floats,
    member_patients: NDArray[Any],
    other_patients: NDArray[Any],
    levels: tuple[float, ...],
    seed: int,
    replicates: int = REPLICATES,
) -> Drawn:
    """Rates and best accuracy with patients of either side drawn anew; the threshold is found anew in each draw.

    Args:
        members, others: (m,), (n,) scores.
        levels: false-positive rates.
    """
    rng = np.random.default_rng(seed)
    scores = np.concatenate([members, others])
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    rates, best = [], []
    for start in range(0, replicates, _BLOCK):
        count = min(_BLOCK, replicates - start)
        ours, theirs = (_weights(side, count, rng) for side in (member_patients, other_patients))
        inside = np.concatenate([ours, np.zeros_like(theirs)], 1)[:, order]
        outside = np.concatenate([np.zeros_like(ours), theirs], 1)[:, order]
        # Thresholds lie between different scores only; before the first nobody is taken for a member.
        tpr, fpr = (
            np.pad(np.cumsum(side, 1)[:, ends] / side.sum(1, keepdims=True), ((0, 0), (1, 0)))
            for side in (inside, outside)
        )
        rates.append(np.stack([np.where(fpr <= level + 1e-9, tpr, 0.0).max(1) for level in levels], 1))
        best.append((tpr + 1.0 - fpr).max(1) / 2.0)
    return Drawn(np.concatenate(rates), np.concatenate(best))


def _weights(patients: NDArray[Any], count: int, rng: np.random.Generator) -> Floats:
    """(count, n) how often each film is drawn with its patient."""
    codes, total = index_patients(patients)
    drawn = rng.multinomial(total, np.full(total, 1.0 / total), count)
    return np.asarray(drawn[:, codes], np.float64)


def best_accuracy(members: Floats, others: Floats) -> float:
    """The best balanced accuracy of any threshold, chosen on the very films it is told of."""
    return float(max(0.5, (1.0 + _advantages(members, others)[1].max()) / 2.0))


def best_threshold(members: Floats, others: Floats) -> float:
    """The score from which on a film is called a member, with the best balanced accuracy; 0 where a side is empty."""
    if not len(members) or not len(others):
        return 0.0
    tried, advantages = _advantages(members, others)
    return float(tried[int(np.argmax(advantages))])


def _advantages(members: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Every score as a threshold, rising, and by how much the rate of hits exceeds that of false alarms there."""
    tried = np.unique(np.concatenate([members, others]))
    hits, alarms = (
        1 - np.searchsorted(np.sort(side), tried, "left") / len(side) for side in (members, others)
    )
    return tried, hits - alarms


def patient_ends(value: float, drawn: Floats, patients: int) -> tuple[float, float]:
    """95 % interval from replicates; a rate of exactly 0 or 1 has no spread there and gets the exact bound."""
    if value in (0.0, 1.0):
        bound = 1.0 - 0.025 ** (1.0 / patients)
        return (0.0, bound) if value == 0.0 else (1.0 - bound, 1.0)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)
