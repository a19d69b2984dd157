"""Patients in statistics: balanced groups for the jackknife, balanced draws, bootstrap by patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Floats = NDArray[np.float64]

MINIMUM_PATIENTS = 20
MOST_GROUPS = 40
REPLICATES = 2000
Z95 = 1.959963984540054


def index_patients(patients: NDArray[np.str_]) -> tuple[IntArray, int]:
    """Number patients by their sorted names.

    Returns:
        (n,) number of each row's patient, and how many patients there are.
    """
    names, codes = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    return codes.astype(np.int64).reshape(-1), len(names)


def group_count(*patients: int) -> int:
    """Jackknife groups that sets with so many patients allow: 0 when one has fewer than 20."""
    fewest = min(patients)
    return 0 if fewest < MINIMUM_PATIENTS else min(fewest, MOST_GROUPS)


def balanced_groups(patients: NDArray[np.str_], count: int, seed: int) -> IntArray:
    """Deal whole patients into `count` groups of nearly equal numbers of images.

    Patients come in random order, the one with the most films first; each goes to the smallest group. The
    answer does not depend on the order of the rows.

    Returns:
        (n,) group 0..count-1 of each row.
    """
    codes, total = index_patients(patients)
    films = np.bincount(codes, minlength=total)
    shuffled = np.random.default_rng(seed).permutation(total)
    order = shuffled[np.argsort(-films[shuffled], kind="stable")]
    sizes = np.zeros(count, dtype=np.int64)
    group_of = np.empty(total, dtype=np.int64)
    for patient in order:
        smallest = int(np.argmin(sizes))
        group_of[patient] = smallest
        sizes[smallest] += films[patient]
    return group_of[codes]


def balanced_draw(patients: NDArray[np.str_], count: int, rng: np.random.Generator) -> IntArray:
    """Draw `count` rows without replacement, as evenly over the patients as their films allow.

    Every patient gives one film before any gives a second.
    """
    codes, _ = index_patients(patients)
    order = rng.permutation(len(codes))
    turn = np.empty(len(codes), dtype=np.int64)
    seen: dict[int, int] = {}
    for row in order:
        turn[row] = seen.get(int(codes[row]), 0)
        seen[int(codes[row])] = int(turn[row]) + 1
    by_turn = order[np.argsort(turn[order], kind="stable")]
    return np.sort(by_turn[:count])


def jackknife_error(deleted: Floats) -> float:
    """Standard error from delete-one-group values (Efron and Tibshirani 1993, chapter 11).

    Args:
        deleted: (g,) the statistic with one group left out.
    """
    count = len(deleted)
    return float(np.sqrt((count - 1) / count * np.sum((deleted - deleted.mean()) ** 2)))


def bootstrap_means(scores: Floats, patients: NDArray[np.str_], rng: np.random.Generator) -> Floats:
    """Means of per-image scores over patients drawn with replacement, (2000,)."""
    codes, total = index_patients(patients)
    sums, films = np.bincount(codes, weights=scores, minlength=total), np.bincount(codes, minlength=total)
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        drawn = np.bincount(rng.integers(0, total, total), minlength=total)
        means[replicate] = (drawn @ sums) / (drawn @ films)
    return means


def share_interval(
    flags: NDArray[np.bool_], patients: NDArray[np.str_], rng: np.random.Generator
) -> tuple[float, float]:
    """95 % interval of a share by bootstrap over patients.

    Where no image or every image is flagged the bootstrap has no spread; then the exact binomial bound over
    patients (Clopper and Pearson 1934) takes its place.
    """
    total = index_patients(patients)[1]
    if flags.any() and not flags.all():
        low, high = np.percentile(bootstrap_means(flags.astype(np.float64), patients, rng), (2.5, 97.5))
        return float(low), float(high)
    bound = 1.0 - 0.025 ** (1.0 / total)
    return (1.0 - bound, 1.0) if flags.all() else (0.0, bound)
