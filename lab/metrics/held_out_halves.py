"""Held-out images halved by patient, for metrics that need them as a scale and want a control all the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.patients import index_patients

IntArray = NDArray[np.int64]


def halves_by_patient(
    patients: NDArray[np.str_], rng: np.random.Generator
) -> Iterator[tuple[IntArray, IntArray]]:
    """Two pairs of rows: one half of the patients and the other, then the halves in each other's place."""
    first, second = parts_by_patient(patients, 2, rng)
    yield first, second
    yield second, first


def parts_by_patient(
    patients: NDArray[np.str_], count: int, rng: np.random.Generator
) -> tuple[IntArray, ...]:
    """Rows of `count` parts with nearly equal numbers of patients.

    Raises:
        NotComputable: with fewer patients than parts.
    """
    codes, total = index_patients(patients)
    if total < count:
        raise NotComputable(
            f"The control needs {count} held-out patients or more, and there are {total}; add held-out images."
        )
    part = rng.permutation(total) % count
    return tuple(np.flatnonzero(part[codes] == one) for one in range(count))
