"""How far apart sets of films are: the kernel distance with a standard error by patient group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.gates.realism_films import Tick
from lab.metrics.fidelity.kernel_distance import kernel_statistic
from lab.metrics.patients import (
    MINIMUM_PATIENTS,
    balanced_groups,
    group_count,
    index_patients,
    jackknife_error,
)
from lab.metrics.points import Points, SetPair

Floats = NDArray[np.float64]
SCALE = 1000.0
BATCH = 20


@dataclass(frozen=True, eq=False)
class Distance:
    """A kernel distance x 1000, its jackknife standard error, and (g,) values with one patient group left out."""

    value: float
    error: float
    deleted: Floats


def set_points(
    features: dict[str, Floats], patients: dict[str, NDArray[np.str_]], seed: int
) -> dict[str, Points]:
    """Sets with the patients of each dealt into equally many groups (20 to 40).

    Raises:
        NotComputable: when a set has fewer than 20 patients.
    """
    groups = group_count(*(index_patients(names)[1] for names in patients.values()))
    if not groups:
        raise NotComputable(
            f"A set has films of fewer than {MINIMUM_PATIENTS} patients; nothing was measured; give larger sets."
        )
    return {
        name: Points(
            np.ascontiguousarray(values, dtype=np.float64),
            patients[name],
            np.arange(len(values)),
            balanced_groups(patients[name], groups, seed),
            groups,
        )
        for name, values in features.items()
    }


def distance(a: Points, b: Points) -> Distance:
    """Unbiased squared maximum mean discrepancy with kernel (x.y / d + 1)^3, x 1000 (Binkowski et al. 2018)."""
    found = kernel_statistic(SetPair(a, b))
    deleted = SCALE * found.deleted
    return Distance(SCALE * found.value, jackknife_error(deleted), deleted)


def times_real(subject: tuple[Distance, ...], real: Distance) -> Distance | None:
    """The largest distance of the subject to a real set over that between real sets; None where the latter is <= 0.

    The standard error leaves the same patient groups out above and below the line.
    """
    below = real.deleted
    if real.value <= 0 or (below <= 0).any():
        return None
    largest = max(found.value for found in subject)
    deleted = np.max([found.deleted for found in subject], axis=0) / below
    return Distance(largest / real.value, jackknife_error(deleted), deleted)


def embed(images: NDArray[np.uint8], name: str, tick: Tick) -> Floats:
    """Pooled EfficientNet-Lite0 features (n, 1280) of films, enlarged from their size to the 224 px it sees.

    Raises:
        WeightsError: when the weights are missing or damaged.
    """
    from lab.device import CPU
    from lab.features.extractors import DEFAULT
    from lab.features.loaded import LoadedExtractor
    from lab.features.records import get_record

    extractor = LoadedExtractor(get_record(DEFAULT), CPU)
    out = []
    for start in range(0, len(images), BATCH):
        out.append(extractor.embed(list(images[start : start + BATCH])))
        tick(f"Features of {name}", min(start + BATCH, len(images)), len(images))
    return np.concatenate(out).astype(np.float64)
