"""How well a network tells patients apart, measured on patients it has never seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.auroc import auroc, drawn_aurocs
from lab.identification.pairs import judging_pairs

Floats = NDArray[np.float64]
REPLICATES = 1000
BINS = 20


@dataclass(frozen=True)
class Verification:
    """What a network scored on pairs of films.

    Args:
        auc, low, high: area under the ROC curve and its 95 % interval by bootstrap over patients; no interval with
            fewer than 20 patients.
        equal_error: rate at which pairs of one patient are missed as often as pairs of two are taken for one.
        threshold: score that decides, chosen on other patients where there were some, else where both rates are equal.
        missed, taken: shares of pairs of one patient below it, and of pairs of two at or above it.
        patients, same_pairs, other_pairs: how many were judged.
        histogram: counts of scores 0 to 1 in 20 bins, "same" and "other".
        roc: corners of the ROC curve at 101 scores, "false_positive" and "true_positive".
    """

    auc: float
    low: float | None
    high: float | None
    equal_error: float
    threshold: float
    missed: float
    taken: float
    patients: int
    same_pairs: int
    other_pairs: int
    histogram: dict[str, list[int]] = field(default_factory=dict)
    roc: dict[str, list[float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON."""
        return asdict(self)


def verify(
    scores_of: Any, patients: NDArray[np.str_], seed: int, threshold: float | None = None
) -> Verification | None:
    """Judge scores on pairs of films; None where no patient has two films or there is only one patient.

    Args:
        scores_of: from pairs (p, 2) of rows to scores (p,) in 0..1.
        patients: (n,) of the films.
        threshold: score that decides, where other patients have chosen it.
    """
    same, other = judging_pairs(patients, seed)
    if not len(same) or not len(other):
        return None
    own, strange = np.asarray(scores_of(same)), np.asarray(scores_of(other))
    names, owner = np.unique(patients[same[:, 0]], return_inverse=True)
    low, high = _interval(own, strange, owner, patients[other[:, 0]], names, seed)
    error, own_threshold = equal_error(own, strange)
    limit = own_threshold if threshold is None else threshold
    edges = np.linspace(0, 1, BINS + 1)
    histogram = {
        "same": np.histogram(own, edges)[0].tolist(),
        "other": np.histogram(strange, edges)[0].tolist(),
    }
    return Verification(
        auc=auroc(own, strange),
        low=low,
        high=high,
        equal_error=error,
        threshold=limit,
        missed=float((own < limit).mean()),
        taken=float((strange >= limit).mean()),
        patients=len(names),
        same_pairs=len(own),
        other_pairs=len(strange),
        histogram=histogram,
        roc=_corners(own, strange),
    )


def equal_error(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Rate at which both errors are equal, and the score at which they are."""
    levels = np.unique(np.concatenate([positive, negative]))
    missed = np.searchsorted(np.sort(positive), levels, "left") / len(positive)
    taken = 1 - np.searchsorted(np.sort(negative), levels, "left") / len(negative)
    best = int(np.argmin(np.abs(missed - taken)))
    return float((missed[best] + taken[best]) / 2), float(levels[best])


def _corners(own: Floats, strange: Floats) -> dict[str, list[float]]:
    levels = np.unique(np.quantile(np.concatenate([own, strange]), np.linspace(0, 1, 101)))[::-1]
    rates = ([round(float((side >= level).mean()), 5) for level in levels] for side in (strange, own))
    return {name: [0.0, *side] for name, side in zip(("false_positive", "true_positive"), rates, strict=True)}


def _interval(
    own: Floats,
    strange: Floats,
    owner: NDArray[np.int64],
    begins: NDArray[np.str_],
    names: NDArray[np.str_],
    seed: int,
) -> tuple[float | None, float | None]:
    """Percentiles of the area with patients drawn with replacement; a patient brings the pairs that begin with it."""
    if len(names) < 20:
        return None, None
    rng = np.random.default_rng([seed, 7])
    drawn = (rng.integers(0, len(names), len(names)) for _ in range(REPLICATES))
    times = np.stack([np.bincount(one, minlength=len(names)) for one in drawn])
    scores, same = np.concatenate([own, strange]), np.arange(len(own) + len(strange)) < len(own)
    owners = np.concatenate([owner, np.searchsorted(names, begins)])
    low, high = np.nanpercentile(drawn_aurocs(scores, same, owners, times), (2.5, 97.5))
    return float(low), float(high)
