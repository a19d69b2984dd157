"""Is the near-copy share of samples above that of held-out films? A one-sided test that knows of patients.

Each sample is a draw of its own; the films of a patient are not, so a patient counts once, with the share of its
films that are called near-copies. The statistic is Welch's difference of the two means over its standard error; its
null distribution comes from permuting samples and patients between the two sides. Studentised so, the test is exact
where every patient has one film and keeps its level in large sets where patients have several (Janssen 1997,
Statistics and Probability Letters 36:9-21; Chung and Romano 2013, Annals of Statistics 41:484-507). The p counts the
observed arrangement too and so is never 0 (Phipson and Smyth 2010).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.patients import index_patients

Floats = NDArray[np.float64]
PERMUTATIONS = 9999
_TIE = 1e-9


def patient_shares(flags: NDArray[np.bool_], patients: NDArray[np.str_]) -> Floats:
    """Share of flagged films of each patient, (p,), by patient name."""
    codes, total = index_patients(patients)
    return np.bincount(codes, weights=flags, minlength=total) / np.bincount(codes, minlength=total)


def excess_p(samples: Floats, patients: Floats, seed: int) -> float:
    """One-sided p of the hypothesis that samples are called near-copies no more often than held-out patients' films.

    Args:
        samples: (m,) 1 for a near-copy, else 0; m >= 2.
        patients: (p,) share of near-copies among each patient's films; p >= 2.
        seed: of the permutations.

    Returns:
        p from 1 / 10,000 to 1; 1 where nothing was called a near-copy.
    """
    values, counts = np.unique(np.concatenate([samples, patients]), return_counts=True)
    if len(values) == 1:
        return 1.0
    rng = np.random.default_rng(seed)
    # How often each value falls on the samples' side: all that the statistic depends on.
    drawn = rng.multivariate_hypergeometric(counts, len(samples), size=PERMUTATIONS)
    own = np.array([[np.count_nonzero(samples == value) for value in values]])
    permuted, observed = (_statistic(side, counts - side, values) for side in (drawn, own))
    return float((1 + np.count_nonzero(permuted >= observed[0] - _TIE)) / (PERMUTATIONS + 1))


def first_failing(m: int, patients: Floats, level: float, seed: int) -> int:
    """The smallest number of near-copies among `m` samples whose p is below `level`; m + 1 where none is."""
    for hits in range(1, m + 1):
        samples = np.zeros(m)
        samples[:hits] = 1.0
        if excess_p(samples, patients, seed) < level:
            return hits
    return m + 1


def _statistic(samples: NDArray[np.int64], patients: NDArray[np.int64], values: Floats) -> Floats:
    """Welch's t from how often each value stands on either side: counts (b, v), values (v,); (b,)."""
    means, errors = [], []
    for side in (samples, patients):
        n = side.sum(axis=1)
        mean = side @ values / n
        means.append(mean)
        errors.append(np.maximum(side @ values**2 / n - mean**2, 0.0) / (n - 1))
    gap, error = means[0] - means[1], np.sqrt(errors[0] + errors[1])
    flat = np.where(gap > _TIE, np.inf, np.where(gap < -_TIE, -np.inf, 0.0))
    return np.where(error > _TIE, gap / np.where(error > _TIE, error, 1.0), flat)
