"""A classifier of labels on features: what it sees in a sample, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabelModel:
    """Multinomial logistic regression on features standardised by the training images.

    Args:
        names: the labels, in the order of the columns of `probabilities`.
        mean, scale: (d,) of the training features.
        classifier: the fitted scikit-learn model.
    """

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    classifier: Any

    def probabilities(self, features: NDArray[np.floating]) -> Floats:
        """(n, labels) probabilities for (n, d) features."""
        return np.asarray(self.classifier.predict_proba((features - self.mean) / self.scale))

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.str_]:
        """(n,) most probable labels."""
        return np.asarray(self.names)[self.probabilities(features).argmax(axis=1)]


def fit_labels(features: NDArray[np.floating], labels: Sequence[str]) -> LabelModel:
    """Fit on (n, d) features; rows with an empty label are left out. L2, C = 0.1, balanced weights.

    Raises:
        ValueError: with fewer than two labels.
    """
    from sklearn.linear_model import LogisticRegression

    names = np.asarray(labels, dtype=str)
    rows = names != ""
    known = np.asarray(features, dtype=np.float64)[rows]
    mean, scale = known.mean(axis=0), known.std(axis=0)
    scale[scale < 1e-12] = 1.0
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=500, tol=1e-4)
    model.fit((known - mean) / scale, names[rows])
    return LabelModel(tuple(str(name) for name in model.classes_), mean, scale, model)
