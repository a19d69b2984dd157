"""A linear probe: one logistic regression a finding on features that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.metrics.patients import balanced_groups

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
C = 0.1
_CONSTANT = 1e-12
_DEAD = 0.1


@dataclass(frozen=True, eq=False)
class Probe:
    """Fitted weights.

    Args:
        mean, scale: (d,) of the features it was fitted on.
        weights: (d, f), one column a finding.
        intercepts: (f,).
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercepts: Floats

    def scores(self, features: Floats) -> Floats:
        """(n, f) log-odds of each finding."""
        return np.asarray((features - self.mean) / self.scale @ self.weights + self.intercepts)

    def probabilities(self, features: Floats) -> Floats:
        """(n, f) probability of each finding by itself; rows need not sum to 1."""
        return 1.0 / (1.0 + np.exp(-np.clip(self.scores(features), -500, 500)))


def fit_probe(features: Floats, positive: Flags, c: float = C) -> Probe:
    """Fit all findings at once: L2, intercept free, features standardised, images equally weighted.

    A feature that hardly varies here is divided by a tenth of the median spread: divided by its own, the least change
    in other images would outweigh everything else.

    The same optimum as scikit-learn's `LogisticRegression(C=c)` on each finding (coefficients to 1e-3 of their
    largest), but one matrix product serves all findings.

    Args:
        features: (n, d).
        positive: (n, f).
    """
    from scipy.optimize import minimize

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.maximum(scale, _DEAD * np.median(scale))
    scale = np.where(scale < _CONSTANT, 1.0, scale)
    x = (features - mean) / scale
    sign = np.where(positive, 1.0, -1.0)
    d, f = x.shape[1], sign.shape[1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights, intercepts = flat[: d * f].reshape(d, f), flat[d * f :]
        margin = sign * (x @ weights + intercepts)
        pull = -sign / (1.0 + np.exp(np.minimum(margin, 500.0)))
        value = c * np.logaddexp(0.0, -margin).sum() + 0.5 * (weights**2).sum()
        return float(value), np.r_[(c * (x.T @ pull) + weights).ravel(), c * pull.sum(axis=0)]

    found = minimize(
        loss, np.zeros(d * f + f), jac=True, method="L-BFGS-B",
        options={"maxiter": 500, "maxcor": 10, "gtol": 1e-4 * c * len(x) ** 0.5, "ftol": 1e-9},
    )  # fmt: skip
    return Probe(mean, scale, found.x[: d * f].reshape(d, f), found.x[d * f :])


def out_of_fold(
    features: Floats,
    positive: Flags,
    patients: NDArray[np.str_],
    folds: int,
    seed: int,
    more: tuple[Floats, Flags] | None = None,
) -> Floats:
    """(n, f) log-odds of each image by a probe fitted on the other folds; a patient lies in one fold only.

    Args:
        more: further images every fold is fitted on.
    """
    fold = balanced_groups(patients, folds, seed)
    found = np.empty(positive.shape)
    for number in np.unique(fold):
        away = fold == number
        x, y = features[~away], positive[~away]
        if more is not None:
            x, y = np.concatenate([more[0], x]), np.concatenate([more[1], y])
        found[away] = fit_probe(x, y).scores(features[away])
    return found
