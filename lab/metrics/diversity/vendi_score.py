"""Vendi score: the effective number of different images in a set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.patients import balanced_draw
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec
from lab.metrics.spectrum import eigenvalues, spectrum

LABELS = 40
FEWEST = 5


@metric(
    MetricSpec(
        name="vendi-score",
        title="Vendi score",
        symbol="VS",
        axis="diversity",
        direction="higher",
        low=1.0,
        high=float("inf"),
        null="the held-out line at the same number of images: far below the number of images",
        null_line=None,
        needs=("features",),
        minimum_n=10,
        bias="grows with the number of images, so compare at equal numbers; blind to the training images: copies of"
        " varied images and varied nonsense both score high; low for features that all point one way",
        cost="one eigen-decomposition of the smaller of n x n and d x d for each side: about 3 s for 1,000 images",
        reference="Friedman and Dieng 2023, The Vendi score; order q as in Pasarkar and Dieng 2024",
        definition="The number of entirely different images that would be as varied as the samples, with cosine"
        " similarity; 1 when all samples are the same.",
        options=(
            MetricOption(
                "order", "Order q", 1.0, 0.1, 10.0,
                "1 is the published score; smaller orders count rare images more, larger ones the common ones.",
            ),
        ),
    )
)  # fmt: skip
def vendi_score(comparison: Comparison) -> Measurement:
    """exp of the Rényi entropy of the eigenvalues of K / n; vendi-score 0.0.3 to 1e-6 relative.

    The interval is a first-order jackknife over patient groups of the judged set: each image's effect on the entropy
    comes from one eigen-decomposition. `details` give the score of each label and of the training images drawn to the
    samples' number.
    """
    refuse_codes(comparison)
    order = comparison.option("vendi-score", "order", 1.0)
    found: dict[int, Statistic] = {}

    def statistic(pair: SetPair) -> Statistic:
        if id(pair.synthetic) not in found:
            found[id(pair.synthetic)] = vendi_statistic(pair.synthetic, order)
        return found[id(pair.synthetic)]

    measured = compare_sets(comparison, statistic)
    n = min(comparison.synthetic.n, comparison.real.n)
    rows = balanced_draw(comparison.real.patients, n, comparison.rng("vendi-score"))
    bars = {"samples": measured.value}
    if measured.control is not None:
        bars["held-out images"] = measured.control
    bars[f"training images, {n} drawn"] = vendi(comparison.real.features[rows], order)
    details: dict[str, Any] = {"bars": bars, "order": order}
    if table := _by_label(comparison, order):
        details["table"] = table
    return replace(measured, details=details)


def vendi(features: NDArray[np.float64], order: float = 1.0) -> float:
    """The score of (n, d) features alone."""
    return float(np.exp(eigenvalues(features).entropy(order)))


def vendi_statistic(points: Points, order: float) -> Statistic:
    """The score of one set, and to first order with each patient group left out."""
    if points.groups is None or not points.group_count:
        return Statistic(vendi(points.features, order), np.empty(0))
    whole = spectrum(points.features)
    entropy, effect = whole.entropy(order), whole.influence(order)
    sums = np.bincount(points.groups, weights=effect, minlength=points.group_count)
    films = np.bincount(points.groups, minlength=points.group_count)
    left = (effect.sum() - sums) / (points.n - films) - effect.mean()
    return Statistic(float(np.exp(entropy)), np.exp(entropy + left))


def _by_label(comparison: Comparison, order: float) -> list[dict[str, Any]]:
    """Score of each label with five samples or more, beside as many training images of that label."""
    given = comparison.given
    if given.synthetic_labels is None or given.real_labels is None:
        return []
    sides = (
        (comparison.synthetic, np.asarray(given.synthetic_labels).astype(str)[comparison.synthetic.order]),
        (comparison.real, np.asarray(given.real_labels).astype(str)[comparison.real.order]),
    )
    table = []
    for label in np.unique(sides[0][1])[:LABELS]:
        rows = [np.flatnonzero(labels == label) for _, labels in sides]
        n = min(map(len, rows))
        if n < FEWEST:
            continue
        rng = comparison.rng(f"vendi-score {label}")
        drawn = [
            points.features[rng.permutation(own)[:n]] for (points, _), own in zip(sides, rows, strict=True)
        ]
        scores = [round(vendi(features, order), 4) for features in drawn]
        table.append({"Label": str(label), "Images": n, "Samples": scores[0], "Training images": scores[1]})
    return table
