"""How well an attack tells members from non-members: ROC curve, area, and rates with intervals by patient.

A score is higher for what the attack takes for a member. Patients, not images, are drawn in the bootstrap, members and
non-members apart. An area of exactly 0 or 1 has no spread there; the exact binomial bound over the smaller number of
patients takes its place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.auroc import auroc, drawn_aurocs
from lab.errors import NotComputable
from lab.leakage.rates import (
    Rate,
    best_accuracy,
    best_threshold,
    clopper_pearson,
    draw_rates,
    patient_ends,
    rate_at,
)
from lab.metrics.patients import REPLICATES, bootstrap_means, index_patients

Floats = NDArray[np.float64]
LEVELS = (0.001, 0.01)
# A rate of one in a hundred is not told of fewer than a hundred non-members, nor finer ones of fewer in proportion.
GRID = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, eq=False)
class Roc:
    """One attack against one generator.

    Attributes:
        fpr, tpr: (k,) the corners of the curve, from (0, 0) to (1, 1).
        area, low, high: area under it and its 95 % interval by patient.
        accuracy, accuracy_low, accuracy_high: balanced accuracy and its 95 % interval by patient; the threshold is
            chosen on one half of the patients and tried on the other.
        best, best_low, best_high: the best balanced accuracy of any threshold (attack success rate) and its 95 %
            interval by patient; chosen on the films it is told of, so above 0.5 by chance alone.
        rates: true-positive rates at 0.1 and 1 % false positives with 95 % intervals by patient, where there are 1,000
            and 100 non-members.
        members, others: images on both sides; member_patients, other_patients: their patients.
    """

    fpr: Floats
    tpr: Floats
    area: float
    low: float
    high: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    best: float
    best_low: float
    best_high: float
    rates: tuple[Rate, ...]
    members: int
    others: int
    member_patients: int
    other_patients: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        told = asdict(self)
        return told | {"fpr": self.fpr.tolist(), "tpr": self.tpr.tolist()}


def roc_of(
    members: Floats,
    others: Floats,
    member_patients: NDArray[Any],
    other_patients: NDArray[Any],
    seed: int = 0,
) -> Roc:
    """The curve of an attack.

    Args:
        members: (m,) scores of images the generator was trained on.
        others: (n,) scores of images it never saw.
        member_patients, other_patients: their patients.
        seed: of the bootstrap.

    Raises:
        NotComputable: when a side is empty or a score is not a finite number.
    """
    members, others = np.asarray(members, np.float64), np.asarray(others, np.float64)
    if not len(members) or not len(others) or not (np.isfinite(members).all() and np.isfinite(others).all()):
        raise NotComputable(
            "An attack needs finite scores of members and of non-members; nothing was computed; check both sides."
        )
    fpr, tpr = _curve(members, others)
    area = auroc(members, others)
    low, high = _interval(area, members, others, member_patients, other_patients, seed)
    people = index_patients(member_patients)[1], index_patients(other_patients)[1]
    accuracy = _accuracy(members, others, member_patients, other_patients, seed)
    best, rates = _operating(members, others, member_patients, other_patients, seed)
    return Roc(
        fpr, tpr, area, low, high, *accuracy, *best, rates, len(members), len(others), *people
    )  # fmt: skip


def _operating(
    members: Floats, others: Floats, member_patients: NDArray[Any], other_patients: NDArray[Any], seed: int
) -> tuple[tuple[float, float, float], tuple[Rate, ...]]:
    """Best balanced accuracy with its interval, and the rates that enough non-members stand behind."""
    levels = tuple(level for level in LEVELS if len(others) >= round(1 / level))
    drawn = draw_rates(members, others, member_patients, other_patients, levels or LEVELS[-1:], seed + 2)
    people = index_patients(member_patients)[1]
    rates = []
    for place, level in enumerate(levels):
        rate = rate_at(members, others, level)
        low, high = patient_ends(rate.value, drawn.rates[:, place], people)
        rates.append(replace(rate, low=low, high=high))
    best = best_accuracy(members, others)
    return (best, *patient_ends(best, drawn.best, people)), tuple(rates)


def one_a_patient(scores: Floats, patients: NDArray[Any]) -> Floats:
    """The first film's score of each patient: what exact binomial bounds may count."""
    _, first = np.unique(np.asarray(patients).astype(str), return_index=True)
    return np.asarray(scores)[np.sort(first)]


def lower_epsilon(members: Floats, others: Floats, delta: float) -> float | None:
    """The smallest epsilon that the attack leaves possible, with 95 % confidence; None where it shows none above 0.

    ln((TPR_low - delta) / FPR_high) with Clopper-Pearson ends at several operating points; each gets its share of the
    5 %, so that the largest may be taken. The bounds count films, so of each patient one is to be given
    (`one_a_patient`).
    """
    share = 1.0 - 0.05 / len(GRID)
    found = []
    for level in GRID:
        rate = rate_at(members, others, level, share)
        high = clopper_pearson(rate.allowed, rate.others, share)[1]
        if rate.low > delta and high > 0:
            found.append(float(np.log((rate.low - delta) / high)))
    best = max(found, default=0.0)
    return best if best > 0 else None


def _accuracy(
    members: Floats, others: Floats, member_patients: NDArray[Any], other_patients: NDArray[Any], seed: int
) -> tuple[float, float, float]:
    """Balanced accuracy with its interval. A threshold tried on the films that chose it would flatter the attack."""
    rng = np.random.default_rng(seed + 1)
    halves = [_half(patients, rng) for patients in (member_patients, other_patients)]
    right = [np.zeros(len(members)), np.zeros(len(others))]
    for first in (True, False):
        ours, theirs = (half == first for half in halves)
        threshold = best_threshold(members[ours], others[theirs])
        right[0][~ours] = members[~ours] >= threshold
        right[1][~theirs] = others[~theirs] < threshold
    value = float(right[0].mean() + right[1].mean()) / 2
    sides = zip(right, (member_patients, other_patients), strict=True)
    drawn = [bootstrap_means(flags, np.asarray(patients).astype(str), rng) for flags, patients in sides]
    low, high = np.percentile((drawn[0] + drawn[1]) / 2, (2.5, 97.5))
    return value, float(low), float(high)


def _half(patients: NDArray[Any], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows (n,) belong to a random half of the patients."""
    codes, total = index_patients(patients)
    return np.asarray(np.isin(codes, rng.permutation(total)[: total // 2]))


def _curve(members: Floats, others: Floats) -> tuple[Floats, Floats]:
    scores = np.unique(np.concatenate([members, others]))[::-1]
    above = [np.searchsorted(np.sort(-side), -scores, side="right") / len(side) for side in (others, members)]
    fpr, tpr = (np.concatenate([[0.0], side]) for side in above)
    # Corners only: points on a straight line say nothing.
    bend = np.ones(len(fpr), dtype=bool)
    cross = np.diff(fpr)[:-1] * np.diff(tpr)[1:] - np.diff(fpr)[1:] * np.diff(tpr)[:-1]
    bend[1:-1] = np.abs(cross) > 1e-15
    return fpr[bend], tpr[bend]


def _interval(
    area: float,
    members: Floats,
    others: Floats,
    member_patients: NDArray[Any],
    other_patients: NDArray[Any],
    seed: int,
) -> tuple[float, float]:
    rows, a = index_patients(member_patients)
    columns, b = index_patients(other_patients)
    if area in (0.0, 1.0):
        bound = 1.0 - 0.025 ** (1.0 / min(a, b))
        return (0.0, bound) if area == 0.0 else (1.0 - bound, 1.0)
    rng = np.random.default_rng(seed)
    counts = [rng.multinomial(side, np.full(side, 1.0 / side), REPLICATES) for side in (a, b)]
    areas = drawn_aurocs(
        np.concatenate([members, others]),
        np.arange(len(rows) + len(columns)) < len(rows),
        np.concatenate([rows, a + columns]),
        np.concatenate(counts, axis=1),
    )
    low, high = np.percentile(areas, (2.5, 97.5))
    return float(low), float(high)
