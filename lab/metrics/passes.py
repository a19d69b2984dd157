"""One pass over the inner products of a set with itself, or of two sets, feeds every statistic that needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.metrics import nearest_bfloat16
from lab.metrics.balls import Balls, Proposals, Side
from lab.metrics.gram import Screen, tiles
from lab.metrics.kernel_table import KernelTable
from lab.metrics.near_lists import Lists, NearLists
from lab.metrics.nearest_column import NearestColumn
from lab.metrics.nearest_proposed import proposed_nearest, searched, takes

if TYPE_CHECKING:
    from lab.metrics.points import Points, SetPair

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
# Listed neighbours: the 5th has to be among them whatever rounding did, and with a patient group left out.
KEPT, KEPT_WITH_GROUPS = 12, 40
# Undecided rows up to which each is searched by itself.
FEW = 16


@dataclass(frozen=True, eq=False)
class Within:
    """What a pass over one set gives.

    Args:
        sums: (g, g) kernel sums between groups, no point paired with itself.
        lists: the nearest others of each point.
    """

    sums: Floats
    lists: Lists


@dataclass(frozen=True, eq=False)
class Across:
    """What a pass over training images and samples gives.

    Args:
        sums: (g, g) kernel sums, training groups by sample groups.
        around_real: samples in the balls of training images.
        around_synthetic: training images in the balls of samples.
        nearest: (m,) nearest training image of each sample, and its squared distance.
    """

    sums: Floats
    around_real: Balls
    around_synthetic: Balls
    nearest: tuple[IntArray, Floats]


def within(points: Points) -> Within:
    """A pass over one set: half of its products, each used for both of its points."""
    side = points.screened
    table, near = _own_table(points), _own_lists(points)
    for tile in tiles(side, side):
        table.add(tile)
        near.add(tile)
    return Within(table.sums(), near.lists())


def within_sums(points: Points) -> Floats:
    """The kernel sums of such a pass alone."""
    table = _own_table(points)
    for tile in tiles(points.screened, points.screened):
        table.add(tile)
    return table.sums()


def within_lists(points: Points) -> Lists:
    """The neighbour lists of such a pass alone."""
    near = _own_lists(points)
    for tile in tiles(points.screened, points.screened):
        near.add(tile)
    return near.lists()


def _own_table(points: Points) -> KernelTable:
    side, groups = points.screened, points.groups
    return KernelTable(side, side, groups, groups, max(1, points.group_count))


def _own_lists(points: Points) -> NearLists:
    kept = KEPT_WITH_GROUPS if points.group_count else KEPT
    return NearLists(points.screened, min(kept, points.n - 1))


def across(pair: SetPair) -> Across:
    """A pass over samples (rows) and training images (columns).

    Raises:
        NotComputable: with too few images for their neighbours.
    """
    columns = 1 + pair.groups
    real, synthetic = pair.real, pair.synthetic
    one, two = _screens(pair)
    sides = [
        Side(points.features, view, points.groups if pair.groups else None, points.radii[:, :columns])
        for points, view in ((synthetic, two), (real, one))
    ]
    table, proposals = _table(pair, two, one), Proposals(*sides)
    for tile in tiles(two, one):
        table.add(tile)
        proposals.add(tile)
    return Across(
        table.sums().T, proposals.in_columns.balls(), proposals.in_rows.balls(), proposals.nearest()
    )


def across_sums(pair: SetPair) -> Floats:
    """The kernel sums of such a pass alone."""
    one, two = _screens(pair)
    table = _table(pair, two, one)
    for tile in tiles(two, one):
        table.add(tile)
    return np.ascontiguousarray(table.sums().T)


def nearest_training(pair: SetPair) -> tuple[IntArray, Floats]:
    """(m,) row of each sample's nearest training image and the exact squared distance, where nothing else is asked."""
    rows, columns = pair.synthetic.features, pair.real.features
    if not takes(rows, columns):
        return _nearest_by_tiles(pair)
    if nearest_bfloat16.takes(rows):
        coarse = nearest_bfloat16.coarse_nearest(rows, columns)
        if coarse is not None:
            return coarse
    found, squared, left = proposed_nearest(rows, columns)
    if len(left) <= FEW:
        for row in left:
            found[row], squared[row] = searched(rows[row], columns)
    else:
        found[left], squared[left] = _nearest_by_tiles(replace(pair, synthetic=pair.synthetic.take(left)))
    return found, squared


def _nearest_by_tiles(pair: SetPair) -> tuple[IntArray, Floats]:
    one, two = _screens(pair)
    near = NearestColumn(pair.synthetic.features, two, pair.real.features)
    for tile in tiles(two, one):
        near.add(tile)
    return near.nearest()


def _screens(pair: SetPair) -> tuple[Screen, Screen]:
    one, two = pair.real.screened, pair.synthetic.screened
    if not (one.single and two.single):
        one = pair.real.screened if not one.single else _double(pair.real)
    return one, pair.synthetic.screened_like(one)


def _double(points: Points) -> Screen:
    from lab.metrics.gram import screen

    return screen(points.features, points.screened.centre, False)


def _table(pair: SetPair, rows: Screen, columns: Screen) -> KernelTable:
    grouped = pair.groups > 0
    of_rows, of_columns = (points.groups if grouped else None for points in (pair.synthetic, pair.real))
    return KernelTable(rows, columns, of_rows, of_columns, max(1, pair.groups))
