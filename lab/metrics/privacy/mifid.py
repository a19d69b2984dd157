"""Memorisation-informed Fréchet distance: the Fréchet distance, made large where samples lie on training images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.blocks import products
from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.fidelity.frechet_distance import components_allowed, frechet_statistic, principal_components
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec
from lab.metrics.spectrum import unit

Floats = NDArray[np.float64]
THRESHOLD = 0.1
_LEAST = 1e-14


@metric(
    MetricSpec(
        name="mifid",
        title="Memorisation-informed FD",
        symbol="MiFD",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: equal to the Fréchet distance where no image is close, many times larger where honest"
        " images lie closer than the threshold",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="the threshold of 0.1 was chosen for photographs; in features where all medical images are alike even"
        " held-out images lie below it; exact copies have a Fréchet distance near 0 and can end up small again",
        cost="one Fréchet distance and all cosines: about 10 s for 5,000 x 5,000 images",
        reference="Bai et al. 2021, On training sample memorization: lessons from benchmarking generative modeling;"
        " threshold 0.1",
        definition="The Fréchet distance divided by the average cosine distance from a sample to its nearest training"
        " image, where that average is below 0.1; undivided otherwise.",
        options=(
            MetricOption(
                "threshold",
                "Threshold",
                THRESHOLD,
                0.0,
                1.0,
                "Mean cosine distance below which memorisation counts.",
            ),
        ),
    )
)
def mifid(comparison: Comparison) -> Measurement:
    """FD / mean over samples of min over training images of 1 - |cosine|; torchmetrics to 1e-6 relative in its form.

    The Fréchet part is that of the metric of this name, on principal components where images are few. Whether the
    average counts is decided by all images, and stays for left-out groups. `published` averages over the training
    images as torchmetrics does.
    """
    refuse_codes(comparison)
    threshold = comparison.option("mifid", "threshold", THRESHOLD)
    width = comparison.real.features.shape[1]
    sides = [comparison.real.n, comparison.synthetic.n]
    sides += [comparison.held_out.n] if comparison.held_out else []
    kept = components_allowed(min(sides), width)
    if kept == 0:
        raise NotComputable("The memorisation-informed FD needs 20 images on each side; add images.")
    basis = None if kept == width else principal_components(comparison.real.features, kept)

    def statistic(pair: SetPair) -> Statistic:
        distance = frechet_statistic(pair, basis)
        joined = -(-pair.groups // len(distance.deleted)) if len(distance.deleted) else 0
        near = memorisation(pair.synthetic, pair.real, joined)
        return _divided(distance, near, threshold)

    measured = compare_sets(comparison, statistic)
    main = comparison.main
    backward = float(memorisation(main.real, main.synthetic, 0).value)
    forward = float(memorisation(main.synthetic, main.real, 0).value)
    distance = frechet_statistic(SetPair(_alone(main.real), _alone(main.synthetic)), basis).value
    bars = {"Fréchet distance": distance, "mean cosine distance, samples": forward}
    if comparison.control is not None:
        films = memorisation(comparison.control.synthetic, main.real, 0).value
        bars["mean cosine distance, held-out images"] = films
    return replace(
        measured,
        dimension=kept,
        published=distance / (backward if backward < threshold else 1.0) if backward else 0.0,
        published_note="torchmetrics averages over the training images' nearest samples, not over the samples' nearest"
        " training images, so a few copies among many samples hardly count.",
        details={"bars": bars},
    )


def memorisation(points: Points, others: Points, joined: int) -> Statistic:
    """Mean over points of the smallest 1 - |cosine| to another set, and with patient groups of both left out.

    Args:
        joined: how many neighbouring groups are left out together; 0 for no groups.
    """
    best, owner = _closest(points, others, joined)
    values = []
    for column in range(best.shape[1]):
        kept = np.ones(points.n, bool) if column == 0 or owner is None else owner != column - 1
        values.append(float(1.0 - best[kept, column].mean()))
    return Statistic(max(values[0], 0.0), np.maximum(values[1:], 0.0))


def _closest(points: Points, others: Points, joined: int) -> tuple[Floats, NDArray[np.int64] | None]:
    """(n, 1 + g) largest |cosine| of each point, column j without group j - 1 of the others; groups of the points."""
    grouped = joined and points.groups is not None and others.groups is not None
    owner = others.groups // joined if grouped and others.groups is not None else None
    count = int(owner.max()) + 1 if owner is not None else 0
    best = np.empty((points.n, 1 + count))
    for start, product in products(unit(points.features), unit(others.features)):
        best[start : start + len(product)] = _largest(np.abs(product), owner, count)
    return best, None if not grouped or points.groups is None else points.groups // joined


def _largest(block: Floats, owner: NDArray[np.int64] | None, count: int) -> Floats:
    """(c, 1 + g) largest value of each row, then without the columns of each group: the best of the other groups."""
    if owner is None or count < 2:
        return np.repeat(block.max(axis=1, keepdims=True), 1 + count, axis=1)
    order = np.argsort(owner, kind="stable")
    largest = np.maximum.reduceat(block[:, order], np.searchsorted(owner[order], np.arange(count)), axis=1)
    rows, first = np.arange(len(block)), largest.argmax(axis=1)
    found = np.repeat(largest[rows, first][:, None], 1 + count, axis=1)
    largest[rows, first] = -np.inf
    found[rows, 1 + first] = largest.max(axis=1)
    return found


def _divided(distance: Statistic, near: Statistic, threshold: float) -> Statistic:
    if near.value >= threshold:
        return distance
    if distance.value <= 1e-8:
        return Statistic(0.0, np.zeros(len(distance.deleted)))
    deleted = distance.deleted / np.maximum(near.deleted, _LEAST)
    return Statistic(distance.value / max(near.value, _LEAST), deleted)


def _alone(points: Points) -> Points:
    return points.take(np.arange(points.n))
