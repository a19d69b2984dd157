"""The kernel distance of two sets with several pictures a patient, every patient counting alike.

Kernel values are averaged over the pictures of two patients first; the unbiased statistic is then taken over patients,
none paired with itself. That is the expectation of the distance of sets with one picture of each patient, drawn at
random, so that further slices of a heart lower the error and raise nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.gates.realism_distance import SCALE, Distance
from lab.metrics.patients import MINIMUM_PATIENTS, group_count, index_patients, jackknife_error

Floats = NDArray[np.float64]
Set = tuple[Floats, NDArray[np.str_]]


def patient_distance(a: Set, b: Set, groups: int | None = None, seed: int = 0) -> Distance:
    """Unbiased squared maximum mean discrepancy with kernel (x.y / d + 1)^3 over patients, x 1000.

    Args:
        a, b: (n, d) features and (n,) patients.
        groups: of patients for the jackknife; None takes as many as the smaller set allows. Distances that are set in
            relation to each other need the same number.
        seed: of the deal of patients into jackknife groups.

    Raises:
        NotComputable: when a set has fewer than 20 patients.
    """
    counts = [index_patients(names)[1] for _, names in (a, b)]
    most = group_count(*counts)
    groups = most if groups is None else min(groups, most)
    if not groups:
        raise NotComputable(
            f"A set has pictures of fewer than {MINIMUM_PATIENTS} patients; nothing was measured; give larger sets."
        )
    within = [_between(one, one) for one in (a, b)]
    across = _between(a, b)
    member = [_deal(count, groups, seed) for count in counts]
    whole = [np.ones(count, dtype=bool) for count in counts]
    value = _statistic(within[0], within[1], across, whole[0], whole[1])
    left = [
        _statistic(within[0], within[1], across, member[0] != group, member[1] != group)
        for group in range(groups)
    ]
    deleted = SCALE * np.asarray(left)
    return Distance(SCALE * value, jackknife_error(deleted), deleted)


def _between(a: Set, b: Set) -> Floats:
    """(patients of a, patients of b) mean kernel values."""
    (first, names), (second, others) = a, b
    kernel = (first @ second.T / first.shape[1] + 1.0) ** 3
    return _means(_means(kernel, names).T, others).T


def _means(rows: Floats, names: NDArray[np.str_]) -> Floats:
    codes, count = index_patients(names)
    member = (np.arange(count)[:, None] == codes[None, :]).astype(np.float64)
    return np.asarray((member / member.sum(1, keepdims=True)) @ rows)


def _deal(patients: int, groups: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(np.arange(patients) % groups)


def _statistic(
    a: Floats, b: Floats, across: Floats, rows: NDArray[np.bool_], columns: NDArray[np.bool_]
) -> float:
    total = -2.0 * float(across[np.ix_(rows, columns)].mean())
    for table, kept in ((a, rows), (b, columns)):
        part = table[np.ix_(kept, kept)]
        n = len(part)
        total += float(part.sum() - np.trace(part)) / (n * (n - 1))
    return total
