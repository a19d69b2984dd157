"""The control of an attack: films of which the generator saw none, one half of their patients against the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.leakage.attacks.catalogue import Attack
from lab.leakage.attacks.denoiser import Floats
from lab.metrics.patients import index_patients

FEWEST_PATIENTS = 8
Judged = Callable[[NDArray[np.bool_]], tuple[Floats, Floats]]


def halves_apart(patients: NDArray[Any], seed: int, judged: Judged) -> dict[str, Any] | None:
    """The curve of an attack that has nothing to find, as JSON; None with fewer than eight patients.

    Args:
        patients: (n,) of films never seen.
        seed: of the halves.
        judged: which rows (n,) are the first half, to the scores of both halves.
    """
    from lab.leakage.roc import roc_of

    codes, total = index_patients(patients)
    if total < FEWEST_PATIENTS:
        return None
    first = np.isin(codes, np.random.default_rng(seed + 3).permutation(total)[: total // 2])
    try:
        scores = judged(first)
    except NotComputable:
        return None
    return roc_of(*scores, np.asarray(patients)[first], np.asarray(patients)[~first], seed).to_json()


def as_they_are(scores: Floats) -> Judged:
    """The scores of an attack that is not trained."""
    return lambda first: (scores[first], scores[~first])


def judged_halves(attack: Attack, measures: Floats, patients: NDArray[Any], seed: int) -> Judged:
    """How an attack judges the first half as if it were members; a trained one is trained on that claim."""

    def judged(first: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        people = np.asarray(patients)
        return attack.judge(measures[first], measures[~first], people[first], people[~first], seed)

    return judged
