"""Asking a generator for one film again and again: how near its samples come to it, and to each other.

A prompt that belongs to a memorised film gives that film back whatever the seed: the samples form a tight cluster that
sits on the film (Carlini et al. 2023). The same seeds with other words, or of another generator, are the control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.leakage.population import near_copy_limit
from lab.neighbours.intervals import Z95
from lab.neighbours.verdict import NEAR_COPY

MOST_ASKS = 64
MOST_SEEDS = 64
MOST_SAMPLES = 1024
SPLITS = ("train", "held-out")


@dataclass(frozen=True)
class Ask:
    """One prompt of one generator, and the film its samples are compared with.

    Attributes:
        generator: id of the card.
        prompt: what is asked.
        target: image id of the film.
        label: what a chart calls it.
        role: what it stands for, such as "asked", "control" or "without"; charts draw by it.
        split: where the film lies: "train", or "held-out" for a film that the generator never saw.
    """

    generator: str
    prompt: str
    target: str
    label: str
    role: str = "asked"
    split: str = "train"

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def checked(asks: Sequence[Ask], seeds: Sequence[int]) -> tuple[Ask, ...]:
    """The asks, when they may be run.

    Raises:
        InputError: for none or too many, an empty prompt, or a split other than train and held-out.
    """
    if not (1 <= len(asks) <= MOST_ASKS and 1 <= len(seeds) <= MOST_SEEDS):
        raise InputError(
            f"An extraction takes 1 to {MOST_ASKS} prompts and 1 to {MOST_SEEDS} seeds; nothing was started; "
            "choose fewer."
        )
    if len(asks) * len(seeds) > MOST_SAMPLES:
        raise InputError(
            f"That would be {len(asks) * len(seeds):,} samples, and {MOST_SAMPLES:,} is the most of one run; nothing "
            "was started; choose fewer seeds or prompts."
        )
    if any(not ask.prompt.strip() or not ask.target or ask.split not in SPLITS for ask in asks):
        raise InputError("A prompt is empty or has no film to compare with; nothing was started; correct it.")
    return tuple(asks)


def limits(reference: Mapping[str, NDArray[Any]]) -> dict[str, float | None]:
    """By detector, the largest distance it alone calls a near-copy, corrected for the number of detectors.

    Args:
        reference: by detector, distances (n,) of training films to the nearest film of another patient.

    Returns:
        None for a detector whose n films cannot tell p <= 0.01.
    """
    return {name: near_copy_limit(values, len(reference)) for name, values in reference.items()}


@dataclass(frozen=True)
class Spread:
    """How far images lie apart: the mean distance of all pairs of `n` images, with a jackknife interval."""

    value: float
    low: float
    high: float
    n: int


def spread(features: NDArray[np.floating]) -> Spread | None:
    """Mean cosine distance over all pairs; None for fewer than three images.

    Args:
        features: (n, d) unit rows.
    """
    n = len(features)
    if n < 3:
        return None
    rows = np.asarray(features, dtype=np.float64)
    gaps = np.maximum(1.0 - rows @ rows.T, 0.0)
    np.fill_diagonal(gaps, 0.0)
    total, each = gaps.sum(), gaps.sum(axis=1)
    value = total / (n * (n - 1))
    left_out = (total - 2 * each) / ((n - 1) * (n - 2))
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return Spread(float(value), float(max(0.0, value - Z95 * error)), float(value + Z95 * error), n)


def rank_of(distances: NDArray[np.floating], target: int) -> int:
    """Place of a film among all by distance, 1 for the nearest; ties count as nearer films do not.

    Args:
        distances: (n,) to each film.
        target: its row.
    """
    return 1 + int((distances < distances[target]).sum())


def found(samples: Sequence[Mapping[str, Any]], target: str) -> int:
    """How many samples are near-copies that have the film as the one to look at first."""
    return sum(one["nearest"] == target and one["label"] == NEAR_COPY for one in samples)


@dataclass(frozen=True)
class Middle:
    """A median of `n` values with its 95 % interval; the ends are None for fewer than six values."""

    value: float
    low: float | None
    high: float | None
    n: int


def middle(values: Sequence[float]) -> Middle:
    """The median and the interval between two order statistics that holds it in 95 % of draws (sign test).

    Raises:
        InputError: for no values.
    """
    if not len(values):
        raise InputError("There are no distances to take the middle of; nothing was computed; run it again.")
    ranked, n = sorted(values), len(values)
    value = float(np.median(ranked))
    outside, term, below = 0.0, 0.5**n, 0
    # How many values may be cut off at each end so that together not more than 5 % is cut.
    while outside + term <= 0.025:
        outside += term
        term *= (n - below) / (below + 1)
        below += 1
    if below == 0:
        return Middle(value, None, None, n)
    return Middle(value, float(ranked[below - 1]), float(ranked[n - below]), n)
