"""Memorisation index: does a sample resemble a training image more than halves of the training set do each other?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.correlations import highest
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.judged import Judged, flagged_pairs, histogram, mean, summarise
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec
from lab.metrics.whitening import fit_whitening

NAME = "memorisation-index"
HALVINGS, DEPTHS = 10, 3
FLAG = 3.0
DEPTH = "depth:"
_FLOOR = 1e-6
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Memorisation index",
        symbol="MI",
        axis="privacy",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="the held-out line, somewhat above 0: the scale is how one half of the training set resembles the"
        " other half,"
        " which offers half as many chances of a likeness as the whole",
        null_line=None,
        needs=("features", "depths"),
        minimum_n=20,
        bias="with few training images for the length of the features only leading directions are whitened, and"
        " the note"
        " says so; flips and rotations are found less well than noise (published area 0.73 to 0.87)",
        cost="features at three depths, one whitening and all cosines each: about 15 s for 1,000 x 1,000 images"
        " once the"
        " features are there",
        reference="De and colleagues 2026, arXiv 2602.13066; depths of the feature extractors that are installed here",
        definition="How many standard deviations a sample's largest similarity to a training image lies above that of"
        " training images of other patients, on average; the overfit index of each sample is minus its"
        " hyperbolic tangent.",
        options=(
            MetricOption("limit", "Flag above", FLAG, 0.5, 20.0, "Samples with a higher index are listed as pairs."),
        ),
    )
)  # fmt: skip
def memorisation_index(comparison: Comparison) -> Measurement:
    """Mean of (s - mu) / sigma over samples; s is the geometric mean over depths of the largest whitened cosine.

    mu and sigma come from ten random halvings of the training set, by patient: each image of one half against the
    other half. Cosines below 0 count as 1e-6 before the geometric mean. ONI = -tanh(MI), near -1 for a copy, is in the
    details. Interval by bootstrap over patients with the training images fixed.
    """
    depths = _depths(comparison)
    limit = comparison.option(NAME, "limit", FLAG)
    real, held_out = comparison.real, comparison.held_out
    centre, spread = _null(depths, real, comparison.rng(NAME))
    samples = _index(depths, "samples", comparison.synthetic, (centre, spread))
    control = None if held_out is None else _index(depths, "held_out", held_out, (centre, spread))
    overfit = {"Samples": float(np.mean(-np.tanh(samples.scores)))}
    if control is not None:
        overfit["Held-out images"] = float(np.mean(-np.tanh(control.scores)))
    details = {
        "rule": {"above": limit},
        "null": {"mean": centre, "deviation": spread},
        "bars": {f"Mean overfit index: {side}": value for side, value in overfit.items()},
        "histogram": histogram(samples.scores, None if control is None else control.scores, "Memorisation index"),
        "flagged": flagged_pairs(samples, real, samples.scores > limit, high_first=True),
    }  # fmt: skip
    note = "" if all(depth.whole for depth in depths) else _NOTE
    return summarise(comparison, samples, control, mean, NAME, details, note)


_NOTE = (
    "There are fewer than two training images for each feature of a depth: only a quarter as many leading directions as"
    " images are whitened there."
)


@dataclass(frozen=True, eq=False)
class _Depth:
    """Whitened directions (rows of length 1) of each side at one depth, in the order of the points."""

    real: Floats
    samples: Floats
    held_out: Floats | None
    whole: bool


def _depths(comparison: Comparison) -> list[_Depth]:
    spaces = [space for name, space in sorted(comparison.given.spaces.items()) if name.startswith(DEPTH)]
    if len(spaces) < DEPTHS:
        raise NotComputable(
            f"The memorisation index needs features at {DEPTHS} depths or more; install further extractors."
        )
    found = []
    held_out = comparison.held_out
    for space in spaces:
        train = np.asarray(space.real, dtype=np.float64)[comparison.real.order]
        whitening = fit_whitening(train)
        samples = np.asarray(space.synthetic, dtype=np.float64)[comparison.synthetic.order]
        films = None
        if held_out is not None and space.held_out is not None:
            films = whitening.directions(np.asarray(space.held_out, dtype=np.float64)[held_out.order])
        found.append(
            _Depth(whitening.directions(train), whitening.directions(samples), films, whitening.whole)
        )
    return found


def _similar(sides: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, IntArray]:
    """Geometric mean over depths of each row's largest cosine, and the image that the first depth found."""
    best = [highest(rows, train) for rows, train in sides]
    logs = [np.log(np.maximum(value, _FLOOR)) for value, _ in best]
    return np.asarray(np.exp(np.mean(logs, axis=0))), best[0][1]


def _null(depths: Sequence[_Depth], real: Points, rng: np.random.Generator) -> tuple[float, float]:
    values = []
    for _ in range(HALVINGS):
        first, second = parts_by_patient(real.patients, 2, rng)
        values.append(_similar([(depth.real[first], depth.real[second]) for depth in depths])[0])
    scores = np.concatenate(values)
    return float(scores.mean()), max(float(scores.std()), 1e-12)


def _index(depths: Sequence[_Depth], side: str, points: Points, null: tuple[float, float]) -> Judged:
    rows = [getattr(depth, side) for depth in depths]
    if any(one is None for one in rows):
        raise NotComputable("A depth has no features of the held-out images; extract them and measure again.")
    scores, nearest = _similar([(one, depth.real) for one, depth in zip(rows, depths, strict=True)])
    return Judged(points, (scores - null[0]) / null[1], nearest)
