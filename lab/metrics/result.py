"""One number with everything needed to read it: interval, counts, control and floor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MetricResult:
    """What one metric said about one pair of sets; None stands for "not computed", never NaN.

    Args:
        metric: name of the `MetricSpec`.
        title: name to print; differs from the spec's where the variant matters ("FD, 45 components").
        value: the number, None when `note` says why there is none.
        low, high: 95 % interval, None with fewer than 20 patients on a side.
        n_real, n_synthetic, n_held_out: images on each side.
        dimension: length of the feature vectors the number was computed on.
        extractor, split, group, seed: what it was measured with and on.
        control, control_low, control_high: the same statistic for held-out real images in place of the
            samples.
        floor, floor_low, floor_high: mean and spread of the same statistic for real images at `floor_n`
            images.
        note: one or more sentences; empty when there is nothing to say.
        published, published_note: what the published code of the metric gives where it differs from the definition,
            and one sentence why.
        details: plain JSON for charts and tables of this metric: curves, histograms, sub-values by name.
        seconds: what it took, None where nobody looked.
        per_image: (n_synthetic,) float64 score of each sample in the order given, where there is one; not
            in the JSON.
    """

    metric: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    n_real: int
    n_synthetic: int
    n_held_out: int
    dimension: int
    extractor: str
    split: str
    group: str
    seed: int
    control: float | None = None
    control_low: float | None = None
    control_high: float | None = None
    floor: float | None = None
    floor_low: float | None = None
    floor_high: float | None = None
    floor_n: int | None = None
    note: str = ""
    published: float | None = None
    published_note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    seconds: float | None = field(default=None, compare=False)
    per_image: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{item.name} of {self.metric} is not a finite number")

    def to_json(self) -> dict[str, Any]:
        """All fields but `per_image`, as plain JSON."""
        record = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "per_image"}
        return {**record, "details": dict(self.details)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> MetricResult:
        """Read back what `to_json` wrote; unknown keys are ignored so that older code reads newer results."""
        known = {item.name for item in fields(cls)} - {"per_image"}
        return cls(**{name: value for name, value in record.items() if name in known})
