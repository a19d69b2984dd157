"""One synthetic set against its training images, with the control and the floor that every number needs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.inputs import MetricInput
from lab.metrics.patients import (
    FEW_ON_ONE_SIDE,
    MINIMUM_PATIENTS,
    Z95,
    balanced_draw,
    balanced_groups,
    group_count,
    index_patients,
    jackknife_error,
    share_interval,
)
from lab.metrics.points import Points, SetPair

Floats = NDArray[np.float64]
Interval = tuple[float | None, float | None]
FLOOR_DRAWS = 5


@dataclass(frozen=True)
class Measurement:
    """What a metric hands back; `evaluate` adds counts and provenance. Fields as in `MetricResult`."""

    value: float
    low: float | None = None
    high: float | None = None
    control: float | None = None
    control_low: float | None = None
    control_high: float | None = None
    floor: float | None = None
    floor_low: float | None = None
    floor_high: float | None = None
    floor_n: int | None = None
    dimension: int | None = None
    extractor: str = ""
    title: str = ""
    note: str = ""
    per_image: Floats | None = None
    published: float | None = None
    published_note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Statistic:
    """A set statistic and the values it takes when one patient group is left out of both sets.

    Args:
        value: the statistic of the whole sets.
        deleted: (g,) values with group g left out, empty where the sets have too few patients.
    """

    value: float
    deleted: Floats

    @property
    def interval(self) -> Interval:
        """value +- 1.96 jackknife standard errors, none without deleted values."""
        if len(self.deleted) == 0:
            return None, None
        reach = Z95 * jackknife_error(self.deleted)
        return self.value - reach, self.value + reach


@dataclass(frozen=True, eq=False)
class Share:
    """A share of the judged images, each flagged by itself against training images that stay as they are.

    Its interval answers: other samples of this generator, the same training images. A jackknife that leaves patients
    of both sets out, as for distances of sets, asks how the share would move with other training images too: its
    intervals came out 1.6 to 2.2 times as wide as the share spreads between sets of samples.

    Args:
        flags: (m,) of the judged images.
        patients: (m,) theirs.
        scale: the value of a set whose images are all flagged: 1, or 100 for percent.
    """

    flags: NDArray[np.bool_]
    patients: NDArray[np.str_]
    scale: float = 1.0

    @property
    def value(self) -> float:
        """The share, 0 to `scale`."""
        return self.scale * float(self.flags.mean())

    @property
    def interval(self) -> Interval:
        """95 % by patient, none with fewer than 20."""
        if index_patients(self.patients)[1] < MINIMUM_PATIENTS:
            return None, None
        low, high = share_interval(self.flags, self.patients)
        return self.scale * low, self.scale * high


class Comparison:
    """The arrays of a `MetricInput` in an order that is not the caller's, with shared work cached.

    Rows are sorted by patient and features, so that a shuffled input gives the same numbers. `seed` alone
    decides groups and draws.
    """

    def __init__(self, given: MetricInput, seed: int) -> None:
        self.given = given
        self.seed = seed
        self._shared: dict[str, Any] = {}

    def shared(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for all metrics that ask under the same key."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator that depends on the seed and on what it is for, not on what ran before."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])

    def option(self, metric: str, name: str, default: float) -> float:
        """What a person chose for an option of a metric, else its default."""
        return float(self.given.options.get(f"{metric}.{name}", default))

    @cached_property
    def real(self) -> Points:
        """Training images."""
        patients = np.asarray(self.given.real_patients).astype(str)
        return self._points(self.given.real, patients, self.given.real_labels)

    @cached_property
    def synthetic(self) -> Points:
        """Samples."""
        patients = None if self.given.synthetic_groups is None else self.given.groups_of_samples()
        return self._points(self.given.synthetic, patients, centre=self.real.middle)

    @cached_property
    def held_out(self) -> Points | None:
        """Held-out images; None when there are none."""
        if self.given.held_out is None or self.given.n_held_out == 0:
            return None
        patients = np.asarray(self.given.held_out_patients).astype(str)
        return self._points(self.given.held_out, patients, self.given.held_out_labels, self.real.middle)

    @cached_property
    def groups(self) -> int:
        """Jackknife groups; the held-out images only count where they have 20 patients."""
        counts = [index_patients(side)[1] for side in self._patients().values()]
        main = group_count(*counts[:2])
        return min(main, group_count(counts[2]) or main) if len(counts) == 3 else main

    @cached_property
    def main(self) -> SetPair:
        """Training images and samples."""
        return SetPair(self.real, self.synthetic)

    @cached_property
    def control(self) -> SetPair | None:
        """Training images and held-out images in place of the samples."""
        return None if self.held_out is None else SetPair(self.real, self.held_out)

    @cached_property
    def floors(self) -> tuple[SetPair, ...]:
        """Real against real at the samples' n: held-out against training, else two halves of training."""
        rng = self.rng("floor")
        held_out = self.held_out
        if held_out is not None:
            n = min(self.synthetic.n, held_out.n)
            if n == held_out.n and self.control is not None:
                return (self.control,)
            rows = [balanced_draw(held_out.patients, n, rng) for _ in range(FLOOR_DRAWS)]
            return tuple(SetPair(self.real, held_out.take(row)) for row in rows)
        pairs = []
        for _ in range(FLOOR_DRAWS):
            half = balanced_groups(self.real.patients, 2, int(rng.integers(2**31)))
            first, second = np.flatnonzero(half == 0), np.flatnonzero(half == 1)
            if min(len(first), len(second)) < 2:
                return ()
            second = second[
                balanced_draw(self.real.patients[second], min(self.synthetic.n, len(second)), rng)
            ]
            pairs.append(SetPair(self.real.take(first), self.real.take(second)))
        return tuple(pairs)

    def _patients(self) -> dict[str, NDArray[np.str_]]:
        sides = {"real": np.asarray(self.given.real_patients), "synthetic": self.given.groups_of_samples()}
        if self.given.held_out_patients is not None and self.given.n_held_out:
            sides["held-out"] = np.asarray(self.given.held_out_patients)
        return sides

    def _points(
        self,
        features: NDArray[np.floating],
        patients: NDArray[np.str_] | None,
        labels: NDArray[np.str_] | None = None,
        centre: Floats | None = None,
    ) -> Points:
        values = np.ascontiguousarray(features, dtype=np.float64)
        weights = np.random.default_rng(0).normal(size=values.shape[1])
        key = np.einsum("nd,d->n", values, weights)
        order = np.argsort(key, kind="stable") if patients is None else np.lexsort([key, patients])
        names = np.arange(len(values)).astype(str) if patients is None else patients[order]
        names = np.char.zfill(names, 10) if patients is None else names
        enough = index_patients(names)[1] >= self.groups > 0
        groups = balanced_groups(names, self.groups, self.seed) if enough else None
        told = None if labels is None else np.asarray(labels).astype(str)[order]
        count = self.groups if enough else 0
        return Points(values[order], names, order, groups, count, told, centre=centre, shared=True)


def compare_sets(
    comparison: Comparison, statistic: Callable[[SetPair], Statistic | Share], floors: bool = True
) -> Measurement:
    """Value, control and floor of a set statistic or of a share, with their intervals by patient.

    Args:
        comparison: the sets.
        statistic: from a pair of sets to the statistic and its delete-one-group values, or to a share.
        floors: measure the floor; False where the caller has one of its own.

    Returns:
        Value, control and floor; no interval with fewer than 20 patients on a side, of a share among those judged.
    """
    main = statistic(comparison.main)
    low, high = main.interval
    control = None if comparison.control is None else statistic(comparison.control)
    control_low, control_high = control.interval if control else (None, None)
    pairs = comparison.floors if floors else ()
    values = np.asarray(
        [control.value if control and pair is comparison.control else statistic(pair).value for pair in pairs]
    )
    return Measurement(
        value=main.value,
        low=low,
        high=high,
        control=control.value if control else None,
        control_low=control_low,
        control_high=control_high,
        floor=float(values.mean()) if len(values) else None,
        floor_low=float(values.min()) if len(values) > 1 else None,
        floor_high=float(values.max()) if len(values) > 1 else None,
        floor_n=pairs[0].synthetic.n if pairs else None,
        note=_notes(comparison, low is None),
    )


def _notes(comparison: Comparison, without_interval: bool) -> str:
    sentences = []
    if without_interval:
        sentences.append(FEW_ON_ONE_SIDE)
    floors, n = comparison.floors, comparison.synthetic.n
    if floors and comparison.held_out is None:
        sentences.append(
            "Floor from two halves of the training images, split by patient; there is no held-out control."
        )
    if floors and floors[0].synthetic.n != n:
        sentences.append(f"The floor rests on {floors[0].synthetic.n} images beside {n} samples.")
    return " ".join(sentences)
