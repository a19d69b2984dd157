"""Means of scores of images or of pairs of images: interval by patient, control and floor beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import (
    FEW,
    MINIMUM_PATIENTS,
    REPLICATES,
    bootstrap_means,
    index_patients,
    share_interval,
)

Floats = NDArray[np.float64]
StrArray = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores and whom they come from.

    Args:
        values: (s,) finite.
        patients: (s,) patient of each score.
        partners: (s,) the other patient where scores belong to pairs.
        share: whether scores are 0 or 1, whose mean is a share of images.
    """

    values: Floats
    patients: StrArray
    partners: StrArray | None = None
    share: bool = False

    def interval(self, rng: np.random.Generator) -> tuple[float | None, float | None]:
        """95 % of the mean over patients drawn with replacement, or of the share; None with fewer than 20."""
        if self.partners is None:
            if index_patients(self.patients)[1] < MINIMUM_PATIENTS:
                return None, None
            if self.share:
                return share_interval(self.values > 0.5, self.patients)
            means = bootstrap_means(self.values, self.patients, rng)
        else:
            both, total = index_patients(np.concatenate([self.patients, self.partners]))
            if total < MINIMUM_PATIENTS:
                return None, None
            means = _pair_means(self.values, both.reshape(2, -1), total, rng)
        low, high = np.percentile(means, (2.5, 97.5))
        return float(low), float(high)


def _pair_means(values: Floats, codes: NDArray[np.int64], total: int, rng: np.random.Generator) -> Floats:
    """Means of pair scores when patients are drawn with replacement: a pair counts as often as both are drawn."""
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        drawn = np.bincount(rng.integers(0, total, total), minlength=total)
        weights = drawn[codes[0]] * drawn[codes[1]]
        means[replicate] = weights @ values / weights.sum() if weights.any() else values.mean()
    return means


def measure_means(
    comparison: Comparison,
    purpose: str,
    main: Scored,
    control: Scored | None,
    floor: Scored | None,
    per_image: Floats | None = None,
    note: str = "",
    details: Mapping[str, Any] | None = None,
) -> Measurement:
    """The mean of the samples' scores beside the same mean of real images.

    Args:
        comparison: the sets; only its random draws are used.
        purpose: name of the draws.
        main, control, floor: scores of samples, of held-out images and of training images.
        per_image, note, details: passed on.
    """
    rng = comparison.rng(purpose)
    low, high = main.interval(rng)
    control_low, control_high = control.interval(rng) if control is not None else (None, None)
    floor_low, floor_high = floor.interval(rng) if floor is not None else (None, None)
    return Measurement(
        value=float(main.values.mean()),
        low=low,
        high=high,
        control=None if control is None else float(control.values.mean()),
        control_low=control_low,
        control_high=control_high,
        floor=None if floor is None else float(floor.values.mean()),
        floor_low=floor_low,
        floor_high=floor_high,
        floor_n=None if floor is None else len(floor.values),
        note=" ".join(filter(None, (FEW if low is None else "", note))),
        per_image=per_image,
        details=details or {},
    )


def histogram(samples: Floats, held_out: Floats | None, title: str, most: int = 1000) -> dict[str, Any]:
    """Scores of samples and of held-out images for a histogram; evenly thinned along their ranks past `most`."""
    told: dict[str, Any] = {"x_title": title}
    for name, values in (("samples", samples), ("held_out", held_out)):
        if values is not None and len(values):
            ranked = np.sort(values)
            kept = np.unique(np.linspace(0, len(ranked) - 1, min(most, len(ranked))).round().astype(np.int64))
            told[name] = [round(float(value), 5) for value in ranked[kept]]
    return told
