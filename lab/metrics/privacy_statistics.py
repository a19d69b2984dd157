"""What privacy metrics that score each sample share: the scores and the rule that flags a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement

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
