"""Attacks that learn what gives a member away: trained on one part of the patients, told of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.leakage.attacks.denoiser import Floats

FEWEST_PATIENTS = 4


def cross_fitted(
    members: Floats,
    others: Floats,
    member_patients: NDArray[Any],
    other_patients: NDArray[Any],
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Log odds of membership of every film by a logistic regression that saw no film of its patient.

    Patients are dealt into two halves; each half is judged by a regression on the other. The log odds of a half are
    centred, without knowing who is a member, so that both halves can be read on one curve.

    Args:
        members, others: (m, k), (n, k) features.
        member_patients, other_patients: (m,), (n,).
        seed: of the halves.

    Returns:
        Scores (m,) and (n,), higher for members.

    Raises:
        NotComputable: with fewer than four patients on a side.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([members, others])
    inside = np.concatenate([np.ones(len(members)), np.zeros(len(others))])
    half = halves(member_patients, other_patients, seed)
    scores = np.zeros(len(features))
    for judged in (False, True):
        learnt = half != judged
        centre, width = features[learnt].mean(0), features[learnt].std(0)
        scaled = (features - centre) / np.where(width > 0, width, 1.0)
        model = LogisticRegression(class_weight="balanced").fit(scaled[learnt], inside[learnt])
        odds = model.decision_function(scaled[half == judged])
        scores[half == judged] = odds - odds.mean()
    return scores[: len(members)], scores[len(members) :]


def halves(member_patients: NDArray[Any], other_patients: NDArray[Any], seed: int) -> NDArray[np.bool_]:
    """Which rows (m + n,) belong to the first half of the patients; half of either side, a patient never in both.

    Raises:
        NotComputable: with fewer than four patients on a side.
    """
    ours = np.unique(np.asarray(member_patients).astype(str))
    theirs = np.setdiff1d(np.asarray(other_patients).astype(str), ours)
    if min(len(ours), len(theirs)) < FEWEST_PATIENTS:
        raise NotComputable(
            "A trained attack needs four patients or more on either side; nothing was trained; take more films."
        )
    rng = np.random.default_rng(seed)
    first = set()
    for names in (ours, theirs):
        first |= set(rng.permutation(names)[: len(names) // 2].tolist())
    rows = np.concatenate([member_patients, other_patients]).astype(str)
    return np.array([name in first for name in rows.tolist()])
