"""Shares of flagged images: interval by patient, control and floor from held-out images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW, MINIMUM_PATIENTS, REPLICATES, index_patients, share_interval
from lab.metrics.points import Points

Floats = NDArray[np.float64]


def compare_shares(
    comparison: Comparison,
    held_out: Points,
    flags: NDArray[np.bool_],
    control_flags: NDArray[np.bool_],
    purpose: str,
) -> Measurement:
    """Share of flagged samples beside the share of flagged held-out images.

    Args:
        comparison: the sets; only patients and order are read.
        held_out: the held-out images of the comparison.
        flags: (m,) in the order of the caller's samples.
        control_flags: (h,) in the order of the caller's held-out images.
        purpose: name for the random draws.
    """
    samples, films = flags[comparison.synthetic.order], control_flags[held_out.order]
    rng = comparison.rng(purpose)
    low, high = _interval(samples, comparison.synthetic.patients)
    control_low, control_high = _interval(films, held_out.patients)
    n = min(len(samples), len(films))
    spread = _means_at(films.astype(np.float64), n, rng)
    note = "" if low is not None else FEW
    return Measurement(
        value=float(samples.mean()),
        low=low,
        high=high,
        control=float(films.mean()),
        control_low=control_low,
        control_high=control_high,
        floor=float(films.mean()),
        floor_low=float(spread[0]),
        floor_high=float(spread[1]),
        floor_n=n,
        note=note,
        per_image=np.asarray(flags, dtype=np.float64),
    )


def _interval(flags: NDArray[np.bool_], patients: NDArray[np.str_]) -> tuple[float | None, float | None]:
    if index_patients(patients)[1] < MINIMUM_PATIENTS:
        return None, None
    return share_interval(flags, patients)


def _means_at(scores: Floats, n: int, rng: np.random.Generator) -> Floats:
    """2.5th and 97.5th percentile of the mean of `n` scores drawn with replacement."""
    drawn = rng.integers(0, len(scores), (REPLICATES, n))
    return np.asarray(np.percentile(scores[drawn].mean(axis=1), (2.5, 97.5)))
