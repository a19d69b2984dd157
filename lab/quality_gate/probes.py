"""Embedded predictors: small models on the features of a dataset's training images, judged on its held-out ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.features.unit import unit
from lab.quality_gate.wanted import OLDEST, one_sex

Floats = NDArray[np.float64]
LEAST_ROWS = 40
LEAST_A_CLASS = 10
_AGE_GAIN = 0.9


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted reader of one subject.

    Attributes:
        subject: sex, age or finding.
        model: of scikit-learn, on standardised unit features.
        mean, scale: (d,) of the training features.
        names: classes in the order of the model's columns; empty for a number.
        held_out: how well it does on held-out images, as a sentence.
        tells: whether it does better there than a blind guess; one that does not is never asked.
    """

    subject: str
    model: Any
    mean: Floats
    scale: Floats
    names: tuple[str, ...]
    held_out: str
    tells: bool

    def values(self, features: NDArray[np.floating], wanted: str) -> list[str | float | None]:
        """Years, the most probable class, or the probability of the wanted finding, for (n, d) features."""
        rows = _standard(features, self.mean, self.scale)
        if not self.names:
            return [float(np.clip(value, 0, OLDEST)) for value in self.model.predict(rows)]
        shares = np.asarray(self.model.predict_proba(rows))
        if self.subject != "finding":
            return [self.names[int(column)] for column in shares.argmax(axis=1)]
        if wanted not in self.names:
            return [None] * len(rows)
        return [float(value) for value in shares[:, self.names.index(wanted)]]


@dataclass(frozen=True, eq=False)
class Table:
    """Features and what the manifest says of each image: (n, d) float32, and texts in the same order."""

    features: NDArray[np.float32]
    values: Sequence[str]


def fit_probe(subject: str, train: Table, held_out: Table | None) -> Probe | None:
    """Fit a probe, or None where the dataset does not say the subject for enough images.

    Args:
        subject: sex, age or finding.
        train: images the probe learns from.
        held_out: images that judge it; without any it is never asked.
    """
    if subject == "age":
        return _fit_age(train, held_out)
    clean = (lambda text: one_sex(text)) if subject == "sex" else (lambda text: text)
    return _fit_classes(
        subject, _cleaned(train, clean), None if held_out is None else _cleaned(held_out, clean)
    )


def _fit_classes(subject: str, train: Table, held_out: Table | None) -> Probe | None:
    from sklearn.linear_model import LogisticRegression

    names, counts = np.unique([value for value in train.values if value], return_counts=True)
    if len(names) < 2 or counts.min() < LEAST_A_CLASS or counts.sum() < LEAST_ROWS:
        return None
    rows = np.asarray([bool(value) for value in train.values])
    given = unit(train.features[rows]).astype(np.float64)
    mean, scale = _spread(given)
    model = LogisticRegression(C=0.01, class_weight="balanced", max_iter=300, tol=1e-3)
    model.fit((given - mean) / scale, np.asarray(train.values, dtype=str)[rows])
    classes = tuple(str(name) for name in model.classes_)
    probe = Probe(subject, model, mean, scale, classes, "", False)
    return _told(probe, *_class_judgement(probe, held_out))


def _fit_age(train: Table, held_out: Table | None) -> Probe | None:
    from sklearn.linear_model import Ridge

    years = _years(train.values)
    rows = np.isfinite(years)
    if rows.sum() < LEAST_ROWS:
        return None
    given = unit(train.features[rows]).astype(np.float64)
    mean, scale = _spread(given)
    model = Ridge(alpha=given.shape[1]).fit((given - mean) / scale, years[rows])
    probe = Probe("age", model, mean, scale, (), "", False)
    return _told(probe, *_age_judgement(probe, held_out, float(years[rows].mean())))


def _class_judgement(probe: Probe, held_out: Table | None) -> tuple[str, bool]:
    known = [] if held_out is None else [i for i, value in enumerate(held_out.values) if value in probe.names]
    if held_out is None or not known:
        return "No held-out image says it, so how well it does is not known.", False
    truth = np.asarray([held_out.values[i] for i in known])
    shares = probe.model.predict_proba(_standard(held_out.features[known], probe.mean, probe.scale))
    right = float(np.mean(np.asarray(probe.names)[shares.argmax(axis=1)] == truth))
    blind = float(np.unique(truth, return_counts=True)[1].max() / len(truth))
    margin = 1.96 * float(np.sqrt(right * (1 - right) / len(truth)))
    told = f"Right on {100 * right:.0f} % of {len(truth):,} held-out images; a blind guess on {100 * blind:.0f} %."
    return told, right - margin > blind


def _age_judgement(probe: Probe, held_out: Table | None, guess: float) -> tuple[str, bool]:
    years = _years(held_out.values) if held_out is not None else np.zeros(0)
    rows = np.isfinite(years)
    if held_out is None or not rows.any():
        return "No held-out image says it, so how well it does is not known.", False
    given = _standard(held_out.features[rows], probe.mean, probe.scale)
    error = float(np.abs(probe.model.predict(given) - years[rows]).mean())
    blind = float(np.abs(guess - years[rows]).mean())
    told = f"Off by {error:.1f} years on average on {rows.sum():,} held-out images; a blind guess by {blind:.1f}."
    return told, error <= _AGE_GAIN * blind


def _told(probe: Probe, held_out: str, tells: bool) -> Probe:
    return Probe(probe.subject, probe.model, probe.mean, probe.scale, probe.names, held_out, tells)


def _cleaned(table: Table, clean: Any) -> Table:
    return Table(table.features, [clean(str(value)) for value in table.values])


def _years(values: Sequence[str]) -> Floats:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            return float("nan")
        return value if 0 <= value <= OLDEST else float("nan")

    return np.asarray([number(str(value)) for value in values], dtype=np.float64)


def _spread(rows: Floats) -> tuple[Floats, Floats]:
    scale = rows.std(axis=0)
    return rows.mean(axis=0), np.where(scale < 1e-12, 1.0, scale)


def _standard(features: NDArray[np.floating], mean: Floats, scale: Floats) -> Floats:
    return np.asarray((unit(features).astype(np.float64) - mean) / scale)
