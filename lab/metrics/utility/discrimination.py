"""How well scores tell findings apart: area under the ROC curve by finding, with draws of whole patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.auroc import auroc, drawn_aurocs
from lab.metrics.patients import MINIMUM_PATIENTS, REPLICATES, index_patients

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Interval = tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a classifier said of some images, beside what they are.

    Args:
        scores: (n, f), higher where the classifier sees the finding.
        positive: (n, f) whether the image has it.
        patients: (n,) whom each image belongs to.
    """

    scores: Floats
    positive: Flags
    patients: NDArray[np.str_]

    @cached_property
    def by_finding(self) -> Floats:
        """(f,) area under the curve of each finding, NaN where all images are alike."""
        return np.asarray([auroc(column[flags], column[~flags]) for column, flags in self._findings()])

    def _findings(self) -> list[tuple[Floats, Flags]]:
        """(n,) scores and truth of each finding."""
        return list(zip(self.scores.T, self.positive.T, strict=True))

    @property
    def macro(self) -> float:
        """Mean over the findings that some images have and some have not; NaN with none."""
        known = self.by_finding[np.isfinite(self.by_finding)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def enough(self) -> bool:
        """Whether there are the 20 patients that an interval takes."""
        return index_patients(self.patients)[1] >= MINIMUM_PATIENTS

    def drawn(self, rng: np.random.Generator) -> Floats:
        """(2000, f) areas over patients drawn with replacement; the same generator state gives the same patients."""
        codes, total = index_patients(self.patients)
        counts = rng.multinomial(total, np.full(total, 1.0 / total), size=REPLICATES).astype(np.float32)
        return np.stack([drawn_aurocs(*side, codes, counts) for side in self._findings()], axis=1)

    def interval(self, rng: np.random.Generator) -> Interval:
        """95 % interval of `macro` by bootstrap over patients, the classifier fixed; none with fewer than 20."""
        return percentiles(means(self.drawn(rng))) if self.enough else (None, None)


def means(drawn: Floats) -> Floats:
    """Means over the findings of each draw, draws without any left out."""
    known = np.isfinite(drawn)
    counts = known.sum(axis=1)
    return np.where(known, drawn, 0.0).sum(axis=1)[counts > 0] / counts[counts > 0]


def percentiles(values: Floats) -> Interval:
    """2.5th and 97.5th percentile of the finite ones, (None, None) of nothing."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def gains(before: Reading, after: Reading, control: Reading, floor: Reading, seed: int) -> dict[str, Any]:
    """What three readings gain over `before`, each with its interval, as fields of a `Measurement`."""
    found: dict[str, Any] = {}
    for name, beside in (("value", after), ("control", control), ("floor", floor)):
        prefix = "" if name == "value" else f"{name}_"
        found[name] = beside.macro - before.macro
        found[f"{prefix}low"], found[f"{prefix}high"] = gain_interval(before, beside, seed)
    return found


def gain_interval(without: Reading, beside: Reading, seed: int) -> Interval:
    """95 % interval of `beside.macro - without.macro`, both read on the same patients in every draw."""
    if not without.enough:
        return None, None
    first, second = (one.drawn(np.random.default_rng(seed)) for one in (without, beside))
    return percentiles(means(second - first))
