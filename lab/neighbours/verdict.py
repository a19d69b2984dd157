"""The verdict on one sample: how unusual its nearness to a training image is among real patients.

Each detector measures a distance d to the nearest training image. Its reference distribution holds every
training film's distance to the nearest film of another patient. p = (1 + number of reference distances <= d)
/ (n + 1); with several detectors the smallest p is multiplied by their number (Bonferroni). Nothing here is
finer than 1 / (n + 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable

NEAR_COPY, CLOSE, ORDINARY = "near-copy", "close", "ordinary"
NEAR_COPY_P, CLOSE_P = 0.01, 0.05
REGISTERED, COSINE = "registered-correlation", "feature-cosine"


@dataclass(frozen=True)
class DetectorReading:
    """One detector's view of one sample.

    Args:
        name: `REGISTERED` or `COSINE`.
        distance: to the nearest training image, 0 (same) to 2.
        p: share of reference distances at most as large, counted with the sample itself.
        percentile: 100 p; never finer than 100 / (n + 1).
        nearest: image id of that training image.
        variant: how the sample was turned to match, in words ("flipped, scale 1.08, 3 degrees").
    """

    name: str
    distance: float
    p: float
    percentile: float
    nearest: str
    variant: str = "as is"


@dataclass(frozen=True)
class Verdict:
    """The label of one sample with what it rests on.

    Args:
        label: "near-copy" (p <= 0.01), "close" (p <= 0.05) or "ordinary".
        p: the smallest p of the detectors times their number, at most 1.
        n_reference: training films the reference distributions are made of.
        smallest_p: the smallest p this calibration can give; above 0.01 no near-copy can be told.
        agreeing: detectors whose own corrected p is at most 0.05.
    """

    label: str
    p: float
    detectors: tuple[DetectorReading, ...]
    n_reference: int
    smallest_p: float
    agreeing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self) | {"detectors": [asdict(reading) for reading in self.detectors]}


def p_values(distances: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """p of each distance against `reference` (n,) sorted ascending: (1 + #{reference <= d}) / (n + 1).

    Raises:
        NotComputable: for an empty reference.
    """
    if len(reference) == 0:
        raise NotComputable(
            "There are no reference distances; no verdict was made; take films of two or more patients."
        )
    counts = np.searchsorted(reference, distances, side="right").astype(np.float64)
    return (1.0 + counts) / np.float64(len(reference) + 1)


def combined_p(ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bonferroni over detectors: ps (detectors, samples) to (samples,)."""
    return np.minimum(1.0, ps.min(axis=0) * ps.shape[0])


def label_of(p: float) -> str:
    """The label for a corrected p."""
    return NEAR_COPY if p <= NEAR_COPY_P else CLOSE if p <= CLOSE_P else ORDINARY


def verdict_of(readings: Sequence[DetectorReading], n_reference: int) -> Verdict:
    """Join the detectors' readings of one sample into its verdict.

    Raises:
        NotComputable: without readings or reference.
    """
    if not readings or n_reference < 1:
        raise NotComputable("No detector is calibrated; no verdict was made; calibrate the dataset first.")
    count = len(readings)
    p = min(1.0, count * min(reading.p for reading in readings))
    agreeing = tuple(reading.name for reading in readings if count * reading.p <= CLOSE_P)
    smallest = min(1.0, count / (n_reference + 1.0))
    return Verdict(label_of(p), p, tuple(readings), n_reference, smallest, agreeing)


def read(
    name: str, distance: float, nearest: str, reference: Mapping[str, NDArray[Any]], variant: str = "as is"
) -> DetectorReading:
    """One detector's reading of one sample against its own reference distribution, sorted ascending."""
    p = float(p_values(np.array([distance]), reference[name])[0])
    return DetectorReading(name, float(distance), p, 100.0 * p, nearest, variant)
