"""How often a generator copies: distances of a whole set to the nearest training films, and counts within a threshold.

One detector at a time. Samples, held-out films (the control) and training films towards other patients are all searched
in the same training films, so that the same threshold means the same for all three.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.verdict import NEAR_COPY_P

Floats = NDArray[np.float64]


def distance_column(detector: str) -> str:
    """The column of an audit's table with each sample's distance to its nearest training film by that detector."""
    return f"{detector}.distance"


def film_column(detector: str) -> str:
    """The column of an audit's table with the id of that training film."""
    return f"{detector}.film"


def detectors_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The detectors of an audit's table, in their order."""
    ends = distance_column("")
    return tuple(str(name).removesuffix(ends) for name in table.columns if str(name).endswith(ends))


def near_copy_limit(reference: Floats, detectors: int) -> float | None:
    """The largest distance that this detector alone calls a near-copy: corrected p <= 0.01 exactly up to it.

    p = (1 + number of reference distances <= d) / (n + 1), times the number of detectors.

    Args:
        reference: (n,) training films' distances to the nearest one of another patient.
        detectors: how many detectors a verdict joins.

    Returns:
        The distance, or None where there are too few training films for so small a p.
    """
    allowed = int(np.floor(NEAR_COPY_P / detectors * (len(reference) + 1) + 1e-9)) - 1
    if allowed < 0 or not len(reference):
        return None
    ranked = np.sort(np.asarray(reference, dtype=np.float64))
    return float(np.nextafter(ranked[allowed], -np.inf)) if allowed < len(ranked) else float(ranked[-1])


@dataclass(frozen=True, eq=False)
class Population:
    """A set of samples beside its controls, by one detector.

    Attributes:
        samples: (m,) distance of each sample to its nearest training film.
        films: (m,) that film.
        patients: (m,) number of that film's patient, 0..; -1 for a patient the generator never saw.
        seen: training patients the generator saw: what the exposed ones are a share of.
        held_out: (h,) distances of held-out films, of `held_out_patients` patients.
        training: (n,) distances of training films to another patient, ascending.
        limit: the calibrated threshold; None where there are too few training films for one.
    """

    detector: str
    samples: Floats
    films: NDArray[np.str_]
    patients: NDArray[np.int64]
    seen: int
    held_out: Floats
    held_out_patients: int
    training: Floats
    limit: float | None

    def order(self) -> NDArray[np.int64]:
        """Rows of the samples (m,), nearest first."""
        return np.argsort(self.samples, kind="stable").astype(np.int64)


@dataclass(frozen=True)
class Counts:
    """What lies within a threshold.

    Attributes:
        near: samples that are near-copies.
        exposed: distinct training patients whose film a near-copy matches, among those the generator saw.
        unseen: near-copies that match a film of a patient it never saw: false alarms for certain.
        alarms: held-out films; None without any.
        training: training films that lie as near to another patient's.
    """

    near: Share
    exposed: Share
    unseen: int
    alarms: Share | None
    training: Share


def population(
    table: pd.DataFrame,
    detector: str,
    distances: Mapping[str, Floats],
    detectors: int,
    patients: Mapping[str, str],
    held_out_patients: int,
    members: Collection[str] | None = None,
) -> Population:
    """One detector's view of an audited set.

    Args:
        table: of the audit, or of several audits one below the other.
        detector: a name of `detectors_of`.
        distances: {"train": (n,), "held-out": (h,)} of the calibration.
        detectors: how many detectors a verdict joins.
        patients: patient of every training film.
        members: films the generator was trained on; None where all training films are.

    Raises:
        NotComputable: for a table without this detector's distances.
    """
    if not len(table) or distance_column(detector) not in table:
        raise NotComputable(
            "This audit holds no distances of that detector; nothing was counted; audit the set again."
        )
    seen = sorted({patients[film] for film in (patients if members is None else members) if film in patients})
    number = {patient: place for place, patient in enumerate(seen)}
    films = table[film_column(detector)].astype(str).to_numpy(dtype=str)
    return Population(
        detector=detector,
        samples=table[distance_column(detector)].to_numpy(dtype=np.float64),
        films=films,
        patients=np.array([number.get(patients.get(film, ""), -1) for film in films], dtype=np.int64),
        seen=len(seen),
        held_out=np.asarray(distances["held-out"], dtype=np.float64),
        held_out_patients=held_out_patients,
        training=np.sort(np.asarray(distances["train"], dtype=np.float64)),
        limit=near_copy_limit(distances["train"], detectors),
    )


def counts(of: Population, threshold: float) -> Counts:
    """The counts within a threshold, each with its Wilson interval.

    Args:
        threshold: distances up to it count.

    Raises:
        NotComputable: for an empty side.
    """
    within = of.samples <= threshold
    people = of.patients[within]
    exposed = len(set(people[people >= 0].tolist()))
    alarms = int((of.held_out <= threshold).sum())
    return Counts(
        near=wilson(int(within.sum()), len(of.samples)),
        exposed=wilson(exposed, max(of.seen, 1)),
        unseen=int((people < 0).sum()),
        alarms=wilson(alarms, len(of.held_out), of.held_out_patients) if len(of.held_out) else None,
        training=wilson(int((of.training <= threshold).sum()), len(of.training)),
    )


def expected_by_chance(samples: int, alarms: Share | None) -> tuple[float, float] | None:
    """How many of so many honest samples would be called near-copies, from the false alarms on held-out films.

    Returns:
        The lower and the upper end; None without held-out films.
    """
    return None if alarms is None else (samples * alarms.low, samples * alarms.high)
