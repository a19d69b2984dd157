"""Steps that the privacy metrics share: rules that flag a copy, bounds where every image scores alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import index_patients

Floats = NDArray[np.float64]


def with_per_image(
    found: Measurement,
    comparison: Comparison,
    scores: Floats,
    rule: Mapping[str, float],
    details: Mapping[str, Any] | None = None,
) -> Measurement:
    """A measurement with per-sample scores (m,) in the order of the samples' points.

    Args:
        rule: {"below": t} or {"above": t}: which scores call a sample a copy.
    """
    told = {**found.details, **(details or {}), "rule": dict(rule)}
    return replace(found, details=told, per_image=comparison.synthetic.in_given_order(scores))


def with_exact_ends(found: Measurement, comparison: Comparison, top: float = 1.0) -> Measurement:
    """Binomial bounds over patients where every image scores alike: there the jackknife has no spread.

    Args:
        top: the value of a set whose images all score 1.
    """
    ends = {"": (found.value, found.low, comparison.synthetic)}
    if found.control is not None and comparison.held_out is not None:
        ends["control_"] = (found.control, found.control_low, comparison.held_out)
    changed: dict[str, Any] = {}
    for name, (value, low, points) in ends.items():
        if low is None or value not in (0.0, top):
            continue
        reach = top * (1.0 - 0.025 ** (1.0 / index_patients(points.patients)[1]))
        high = getattr(found, f"{name}high")
        outer = (0.0, max(high, reach)) if value == 0.0 else (min(low, top - reach), top)
        changed |= {f"{name}low": outer[0], f"{name}high": outer[1]}
    return replace(found, **changed)
