"""Relative Fréchet distance: the distance to the samples over that between two halves of the training images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.codes import refuse_codes
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.fidelity.frechet_distance import components_allowed, frechet_statistic, principal_components
from lab.metrics.gaussians import on_components
from lab.metrics.patients import balanced_draw, balanced_groups
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
HALVES = 4


@metric(
    MetricSpec(
        name="relative-frechet-distance",
        title="Relative Fréchet distance",
        symbol="FD/FD",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="about 1, the line at which samples are as far from a half of the training images as the other half is",
        null_line=1.0,
        needs=("features",),
        minimum_n=40,
        bias="little from sample size, which moves both distances alike; unsteady where real halves lie close together",
        cost="eight Fréchet distances of half sets for each value: seconds on components, a minute on 2,048 features",
        reference="Woodland et al. 2024, Feature extraction for generative medical imaging evaluation",
        definition="How many times farther samples are from training images than training images of other patients"
        " are.",
    )
)
def relative_frechet_distance(comparison: Comparison) -> Measurement:
    """FD(half, as many samples) / FD(half, other half), means over four halvings by patient.

    The same number of images stands above and below the line, so that real images score 1 at any number. The published
    form has the whole sets above it. Features or components as for `frechet-distance` at half the number. 1e-9 relative
    against the distances it is made of. The floor is 1 by definition; its ends are the halvings' own.
    """
    refuse_codes(comparison)
    real = comparison.real
    fewest = min(
        real.n // 2, comparison.synthetic.n, *([comparison.held_out.n] if comparison.held_out else [])
    )
    kept = components_allowed(fewest, real.features.shape[1])
    if kept == 0:
        raise NotComputable(
            "The relative Fréchet distance needs 20 images in each half of a set; add images."
        )
    basis = None if kept == real.features.shape[1] else principal_components(real.features, kept)
    rng = comparison.rng("relative-frechet")
    halvings = [balanced_groups(real.patients, 2, int(rng.integers(2**31))) for _ in range(HALVES)]
    size = min(fewest, min(int(np.bincount(half, minlength=2).min()) for half in halvings))
    if size < 2:
        raise NotComputable("All training images are of one patient; nothing was computed; add patients.")
    drawn = [_halves(real, half, size, rng) for half in halvings]
    below = [frechet_statistic(SetPair(*pair), basis) for pair in drawn]
    seed = int(rng.integers(2**31))
    measured = compare_sets(
        comparison, lambda pair: _ratio(pair, drawn, below, basis, size, seed), floors=False
    )
    among = np.asarray([one.value for one in below])
    whole = frechet_statistic(SetPair(real.take(np.arange(real.n)), comparison.synthetic), basis).value
    return replace(
        measured,
        title="Relative FD" if basis is None else on_components("Relative FD", kept),
        dimension=kept,
        floor=1.0,
        floor_low=float(among.min() / among.mean()),
        floor_high=float(among.max() / among.mean()),
        floor_n=size,
        published=float(whole / among.mean()),
        published_note="Published code sets the distance of whole sets over that of halves, which makes it smaller.",
        details={**measured.details, "real_halves": float(among.mean()), "images_a_half": size},
    )


def _ratio(
    pair: SetPair,
    halves: list[tuple[Points, Points]],
    below: list[Statistic],
    basis: Floats | None,
    size: int,
    seed: int,
) -> Statistic:
    rng = np.random.default_rng(seed)
    above = [
        frechet_statistic(SetPair(half, _drawn(pair.synthetic, None, size, rng)), basis) for half, _ in halves
    ]
    tops, bottoms = ([one.value for one in side] for side in (above, below))
    value = float(np.mean(tops) / np.mean(bottoms))
    if any(len(one.deleted) == 0 for one in (*above, *below)):
        return Statistic(value, np.empty(0))
    top, bottom = (np.mean([one.deleted for one in side], axis=0) for side in (above, below))
    return Statistic(value, top / bottom)


def _halves(real: Points, half: IntArray, size: int, rng: np.random.Generator) -> tuple[Points, Points]:
    return (
        _drawn(real, np.flatnonzero(half == 0), size, rng),
        _drawn(real, np.flatnonzero(half == 1), size, rng),
    )


def _drawn(points: Points, among: IntArray | None, size: int, rng: np.random.Generator) -> Points:
    rows = np.arange(points.n) if among is None else among
    rows = rows[balanced_draw(points.patients[rows], min(size, len(rows)), rng)]
    groups = None if points.groups is None else points.groups[rows]
    return Points(
        points.features[rows], points.patients[rows], points.order[rows], groups, points.group_count
    )
