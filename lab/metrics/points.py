"""Feature vectors as points: exact neighbour radii and ball counts, in blocks, with patient groups left out.

Squared distances come from matrix products; those that decide (the k-th neighbour, a pair on the edge of a ball) are
computed again by direct difference in float64. So numbers do not depend on block size, order or BLAS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.balls import Balls
from lab.metrics.gram import Screen, screen, worth_single
from lab.metrics.passes import (
    Across,
    Within,
    across,
    across_sums,
    nearest_training,
    within,
    within_lists,
    within_sums,
)
from lab.metrics.radii import radii_table, squared_distances

if TYPE_CHECKING:
    from lab.metrics.nearest import Nearest

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
K = 5
__all__ = ["Balls", "K", "Points", "SetPair", "count_in_balls", "squared_distances"]


@dataclass(frozen=True, eq=False)
class Points:
    """One side of a comparison.

    Args:
        features: (n, d) float64; float32 is taken too, and distances are float64 all the same.
        patients: (n,) names.
        order: (n,) row of the caller's array that each row came from.
        groups: (n,) jackknife group, None without an interval.
        group_count: g, 0 without an interval.
        labels: (n,) label of each point, None where there are none.
        centre: (d,) float64 that products are taken around, one for all sets of a comparison; None for the own mean.
        shared: one pass over the set gives kernel sums and neighbours, since both will be asked for.
    """

    features: Floats
    patients: NDArray[np.str_]
    order: IntArray
    groups: IntArray | None
    group_count: int
    labels: NDArray[np.str_] | None = None
    centre: Floats | None = None
    shared: bool = False

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.features)

    def take(self, rows: IntArray) -> Points:
        """Some of the points, without groups: for draws that get no interval of their own."""
        taken = self.features[rows], self.patients[rows], self.order[rows]
        return Points(*taken, None, 0, centre=self.middle, shared=self.shared)

    def in_given_order(self, values: Floats) -> Floats:
        """Per-point values in the order of the caller's array."""
        given = np.empty(len(values))
        given[self.order] = values
        return given

    @cached_property
    def norms(self) -> Floats:
        """(n,) squared lengths."""
        return np.einsum("nd,nd->n", self.features, self.features, dtype=np.float64)

    @cached_property
    def radii(self) -> Floats:
        """(n, 1 + g) squared distance to the 5th nearest other point: of all, then with group j - 1 left out.

        A point of the left-out group gets radius 0: nothing lies strictly inside it.

        Raises:
            NotComputable: with five points or fewer.
        """
        if self.n - (np.bincount(self.groups).max() if self.groups is not None else 0) <= K:
            raise NotComputable(
                f"The {K} nearest neighbours need more than {K} images on each side; add images."
            )
        lists = self.within.lists if self.shared else within_lists(self)
        return radii_table(self.features, lists, self.groups, self.group_count, K)

    @cached_property
    def kernel_sums(self) -> Floats:
        """(g, g) sums of kernel values between groups, (1, 1) without groups; no point is paired with itself."""
        return self.within.sums if self.shared and self.n > K else within_sums(self)

    @cached_property
    def within(self) -> Within:
        """Kernel sums and neighbour lists from one pass."""
        return within(self)

    @cached_property
    def middle(self) -> Floats:
        """(d,) what products are taken around."""
        if self.centre is not None:
            return self.centre
        return np.asarray(self.features.mean(axis=0, dtype=np.float64))

    @cached_property
    def screened(self) -> Screen:
        """The centred features, ready for products."""
        return screen(self.features, self.middle, worth_single(*self.features.shape))

    def screened_like(self, other: Screen) -> Screen:
        """The same around another set's centre and in its precision."""
        mine = self.screened
        if (mine.centre is other.centre or np.array_equal(mine.centre, other.centre)) and (
            mine.single == other.single
        ):
            return mine
        return screen(self.features, other.centre, other.single)

    @cached_property
    def nearest_other(self) -> Nearest:
        """The nearest other point of each point."""
        from lab.metrics.nearest import nearest

        return nearest(self, self, k=1)


@dataclass(frozen=True, eq=False)
class SetPair:
    """Training images and the set that is judged (samples, or held-out images for the control)."""

    real: Points
    synthetic: Points

    @property
    def groups(self) -> int:
        """Jackknife groups both sets share, 0 for none."""
        return min(self.real.group_count, self.synthetic.group_count)

    @cached_property
    def nearest(self) -> Nearest:
        """The two nearest training images of each sample."""
        from lab.metrics.nearest import nearest

        return nearest(self.synthetic, self.real)

    @cached_property
    def around_real(self) -> Balls:
        """Samples counted in the balls of training images."""
        return self.across.around_real

    @cached_property
    def around_synthetic(self) -> Balls:
        """Training images counted in the balls of samples."""
        return self.across.around_synthetic

    @cached_property
    def nearest_training(self) -> tuple[IntArray, Floats]:
        """(m,) row of each sample's nearest training image, and the exact squared distance."""
        return self.across.nearest if "across" in self.__dict__ else nearest_training(self)

    @cached_property
    def kernel_sums(self) -> Floats:
        """(g, g) sums of kernel values between groups of training images and of samples."""
        shared = self.real.shared and self.synthetic.shared and min(self.real.n, self.synthetic.n) > K
        return self.across.sums if shared and self._has_radii else across_sums(self)

    @cached_property
    def across(self) -> Across:
        """Everything that one pass over training images and samples gives."""
        return across(self)

    @property
    def _has_radii(self) -> bool:
        try:
            return bool(len(self.real.radii) and len(self.synthetic.radii))
        except NotComputable:
            return False

    def kept(self, points: Points, column: int) -> NDArray[np.bool_]:
        """(n,) which points stay when group column - 1 is left out; all for column 0."""
        if column == 0 or points.groups is None:
            return np.ones(points.n, dtype=bool)
        return points.groups != column - 1


def count_in_balls(points: Points, balls: Points, groups: int) -> Balls:
    """Count points in balls of 5th-neighbour radius, whole and with each patient group left out.

    Args:
        points: what is counted.
        balls: centres; their `radii` are the radii.
        groups: jackknife groups shared by both.
    """
    pair = SetPair(balls, points)
    found = pair.around_real
    return (
        found
        if pair.groups == groups
        else Balls(found.counts[:, : 1 + groups], found.covered[:, : 1 + groups])
    )
