"""What the realism gates of all modalities tell alike: a distance with its interval, and the gate in real units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.gates.realism_distance import Distance, times_real
from lab.gates.report import Figure
from lab.metrics.patients import Z95


def interval(value: float, error: float) -> tuple[float, float]:
    """95 % interval from a standard error."""
    return value - Z95 * error, value + Z95 * error


def told(found: Distance, between: str, extractor: str, n: int) -> Figure:
    """A kernel distance x 1000 with its interval, its standard error and the number of patient groups."""
    low, high = interval(found.value, found.error)
    note = f"standard error {found.error:.2g}, {len(found.deleted)} patient groups"
    return Figure(f"KD x 1000, {between} ({extractor})", found.value, low, high, n=n, note=note)


def farther(
    to_real: tuple[Distance, Distance], real: Distance, extractor: str, limit: float, n: int, things: str
) -> Figure:
    """The gate: the larger distance to two real sets, in units of the distance between those.

    Args:
        to_real: distances of the phantoms to either real set.
        real: distance between the real sets.
        extractor: for the name.
        limit: at most so many units.
        n: of the smallest set.
        things: what to take more of where the real sets cannot be told apart: "films" or "pictures".
    """
    ratio = times_real(to_real, real)
    name = f"Farther real set, times the distance between the real sets ({extractor})"
    if ratio is None:
        note = f"the real sets are no farther apart than chance; take more {things}"
        return Figure(name, None, limit=limit, side="<=", note=note)
    low, high = interval(ratio.value, ratio.error)
    return Figure(name, ratio.value, low, high, limit, "<=", n=n)


def counts(values: NDArray[np.str_] | None) -> dict[str, int]:
    """How often each word stands there; {} for None."""
    names, numbers = np.unique(values if values is not None else np.empty(0, dtype=str), return_counts=True)
    return {str(name): int(number) for name, number in zip(names, numbers, strict=True)}
