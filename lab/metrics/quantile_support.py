"""Alpha-precision and beta-recall: how samples fill the training cloud, from its centre outwards.

Intervals leave patient groups out of both sets; for beta-recall, a share by nearest neighbours, that is cautious: on
toy clouds they were nearly twice as wide as repeated draws ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.left_out import Kth, kth_nearest, near_list, near_training
from lab.metrics.points import Points, SetPair

Floats = NDArray[np.float64]
LEVELS = np.linspace(0.0, 1.0, 30)
REFERENCE = "Alaa et al. 2022, How faithful is your synthetic data?; 30 levels and Euclidean balls as in synthcity 0.2"
COST = "all distances between and within the sets, once for both: about 10 s for 5,000 x 5,000 images"
Which = Literal["alpha", "beta"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Shares by level; row 0 for all images, row j with patient group j - 1 left out of both sets.

    Args:
        alpha: (1 + g, 30) samples inside the ball that holds that share of training images.
        beta: (1 + g, 30) training images with a sample as near as their nearest training image, that sample inside
            the ball that holds that share of the nearest samples.
    """

    alpha: Floats
    beta: Floats

    def statistic(self, which: Which) -> Statistic:
        """1 - sum |level - share| / sum level, for each row."""
        curves = self.alpha if which == "alpha" else self.beta
        scores = 1.0 - np.abs(LEVELS - curves).sum(axis=1) / LEVELS.sum()
        return Statistic(float(scores[0]), scores[1:])


class Filling:
    """Curves of one comparison, each made once for the two metrics."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._own: dict[int, tuple[Points, Floats]] = {}
        self._found: dict[int, tuple[SetPair, Curves]] = {}

    def of(self, pair: SetPair) -> Curves:
        """The curves of a pair."""
        if id(pair) not in self._found:
            if id(pair.real) not in self._own:
                real = pair.real
                whole = real is self._comparison.real
                found = near_training(self._comparison, 1) if whole else near_list(real, real, 1)
                self._own[id(real)] = (real, found.kth(1, real.group_count).distances)
            near = kth_nearest(pair.real, pair.synthetic, 1, pair.groups)
            self._found[id(pair)] = (pair, curves(pair, self._own[id(pair.real)][1], near))
        return self._found[id(pair)][1]


def curves(pair: SetPair, own: Floats, near: Kth) -> Curves:
    """Both curves of a pair.

    Args:
        pair: the sets.
        own: (n, 1 + g) squared distance of each training image to its nearest other one.
        near: the nearest sample of each training image.
    """
    real, synthetic = pair.real.features, pair.synthetic.features
    alpha, beta = [], []
    for column in range(1 + pair.groups):
        ours, theirs = pair.kept(pair.real, column), pair.kept(pair.synthetic, column)
        centre = real[ours].mean(axis=0)
        radii = np.quantile(_from(real[ours], centre), LEVELS)
        alpha.append(_inside(_from(synthetic[theirs], centre), radii))
        matched = near.distances[ours, column] <= own[ours, column]
        reach = _from(synthetic, synthetic[theirs].mean(axis=0))[near.rows[ours, column]]
        hit = np.where(matched, reach, np.inf)
        beta.append(_inside(hit, np.quantile(reach, LEVELS)))
    return Curves(np.asarray(alpha), np.asarray(beta))


def measured(comparison: Comparison, which: Which) -> Measurement:
    """One of the two scores with control, floor, interval and its curve."""
    filling = comparison.shared("quantile-support", lambda: Filling(comparison))
    found = compare_sets(comparison, lambda pair: filling.of(pair).statistic(which))
    sides = {"samples": comparison.main, "held_out": comparison.control}
    curve = {
        name: getattr(filling.of(pair), which)[0].tolist() for name, pair in sides.items() if pair is not None
    }
    told = {
        "x": LEVELS.tolist(),
        "y": {**curve, "ideal": LEVELS.tolist()},
        "x_title": "Share of real images" if which == "alpha" else "Share of nearest samples",
        "y_title": "Share of samples" if which == "alpha" else "Share of real images",
    }
    return replace(found, details={"curve": told})


def _from(features: Floats, centre: Floats) -> Floats:
    gap = features - centre
    return np.sqrt(np.einsum("nd,nd->n", gap, gap))


def _inside(distances: Floats, radii: Floats) -> Floats:
    return np.asarray([(distances <= radius).mean() for radius in radii])
