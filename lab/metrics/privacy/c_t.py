"""Copying test C_T: are samples systematically nearer to training images than held-out images are?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement, Statistic
from lab.metrics.copying_test import CLUSTERS, FEWEST, Cell, clusters, copying_test, principal, weighted
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.patients import FEW_ON_ONE_SIDE
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "c-t"
SEEDS = 5
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name=NAME,
        title="Copying test C_T",
        symbol="C_T",
        axis="privacy",
        direction="null",
        low=float("-inf"),
        high=float("inf"),
        null="0: samples and held-out images lie as far from training images; far below 0 means copying, far above 0"
        " under-fitting",
        null_line=0.0,
        needs=("features", "held-out"),
        minimum_n=40,
        bias="a z value: it grows with the number of images when nothing else changes; one k-means differs from"
        " the next"
        " by about 0.5, so the mean of five is told;"
        " features of ImageNet networks miss copies with noise: try planted copies",
        cost="five k-means and all distances within clusters, again for each patient group left out: about 6 s for"
        " 1,000 x 1,000 images",
        reference="Meehan et al. 2020, A non-parametric test to detect data-copying; 3 clusters and at most 64"
        " components"
        " as in dgm-eval",
        definition="Within groups of similar training images, whether samples are nearer to them than held-out"
        " images are,"
        " in standard deviations of a rank test.",
        options=(
            MetricOption("clusters", "Clusters", CLUSTERS, 1, 20, "Groups of similar training images."),
        ),
    )
)  # fmt: skip
def c_t(comparison: Comparison) -> Measurement:
    """Mean over five k-means of the weighted z; the published value is that of one k-means in the given row order.

    Features wider than 64 go to 64 principal components of the training images. Cells with 20 samples or fewer are left
    out. `published` equals dgm-eval's C_T to the digits printed (where its distances are flattened). Interval:
    jackknife by patient group with the clusters fixed. The control halves the held-out patients and judges one half
    against the other.
    """
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable("The copying test compares with held-out images; choose a set with some.")
    count = round(comparison.option(NAME, "clusters", CLUSTERS))
    if comparison.real.n < 5 * count:
        raise NotComputable(
            f"{comparison.real.n} training images are too few for {count} clusters; add images."
        )
    train, films, samples = principal(
        comparison.real.features, held_out.features, comparison.synthetic.features
    )
    sides = _Sides(comparison.real, held_out, comparison.synthetic, train, films, samples)
    centres = [clusters(train, count, seed) for seed in range(SEEDS)]
    main = _statistic(sides, centres)
    # One half against the other, once: the mean of both ways is 0 by construction.
    judged, scale = parts_by_patient(held_out.patients, 2, comparison.rng(NAME))
    control = _statistic(sides.control(judged, scale), centres)
    (low, high), (control_low, control_high) = main.interval, control.interval
    cells = copying_test(train, films, samples, centres[0])
    given, published = _as_given(comparison, count)
    return Measurement(
        value=main.value, low=low, high=high, control=control.value, control_low=control_low,
        control_high=control_high, floor=control.value, floor_low=control_low, floor_high=control_high,
        floor_n=len(judged), published=published, published_note=_PUBLISHED,
        note=_note(cells, low is None), details={"table": [_row(at, one) for at, one in enumerate(cells, 1)], **given},
    )  # fmt: skip


_PUBLISHED = (
    "One k-means with seed 0 on the rows as given, as in dgm-eval: it changes with the order of the images."
)


class _Sides:
    """Points of the three sides with their features on principal components."""

    def __init__(
        self,
        real: Points,
        held_out: Points,
        samples: Points,
        train: Floats,
        films: Floats,
        made: Floats,
        groups: bool = True,
    ) -> None:
        self.points, self.features = (real, held_out, samples), (train, films, made)
        shared = min(side.group_count for side in self.points)
        self.groups = shared if groups else 0

    def control(self, judged: NDArray[np.int64], scale: NDArray[np.int64]) -> _Sides:
        """Some held-out images judged as if they were samples, others as the scale."""
        real, held_out, _ = self.points
        kept = [replace(held_out, features=held_out.features[rows], patients=held_out.patients[rows],
                        order=held_out.order[rows], labels=None,
                        groups=None if held_out.groups is None else held_out.groups[rows])
                for rows in (scale, judged)]  # fmt: skip
        films = self.features[1]
        return _Sides(real, kept[0], kept[1], self.features[0], films[scale], films[judged])

    def without(self, group: int) -> list[Floats]:
        """The features of all sides with one patient group left out."""
        return [
            part if side.groups is None else part[side.groups != group]
            for side, part in zip(self.points, self.features, strict=True)
        ]


def _statistic(sides: _Sides, centres: list[Floats]) -> Statistic:
    whole = _over_clusters(list(sides.features), centres)
    if whole is None:
        raise NotComputable(
            f"No cluster holds more than {FEWEST} samples; add samples or take fewer clusters."
        )
    deleted = [_over_clusters(sides.without(group), centres) for group in range(sides.groups)]
    known = [value for value in deleted if value is not None]
    return Statistic(whole, np.asarray(known if len(known) == len(deleted) else []))


def _over_clusters(parts: list[Floats], centres: list[Floats]) -> float | None:
    train, held_out, samples = parts
    values = [weighted(copying_test(train, held_out, samples, one)) for one in centres]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _as_given(comparison: Comparison, count: int) -> tuple[dict[str, Any], float | None]:
    """The test in the caller's row order, as the published code runs it."""
    given = comparison.given
    parts = [np.asarray(part, dtype=np.float64) for part in (given.real, given.held_out, given.synthetic)]
    train, films, samples = principal(*parts)
    cells = copying_test(train, films, samples, clusters(train, count, 0))
    return {"published_cells": [_row(at, cell) for at, cell in enumerate(cells, 1)]}, weighted(cells)


def _row(number: int, cell: Cell) -> dict[str, Any]:
    return {
        "cluster": number, "z": cell.z, "share of held-out": round(cell.share, 4), "training images": cell.training,
        "held-out images": cell.held_out, "samples": cell.samples,
    }  # fmt: skip


def _note(cells: list[Cell], without_interval: bool) -> str:
    sentences = [FEW_ON_ONE_SIDE] if without_interval else []
    kept = sum(cell.share for cell in cells if cell.z is not None)
    if kept < 0.999:
        sentences.append(
            f"Clusters with {FEWEST} samples or fewer are left out: those that count hold {kept:.0%} of the held-out"
            " images."
        )
    return " ".join(sentences)
