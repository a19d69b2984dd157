"""Lists of nearest points with patient groups left out, against a whole table; and where too few points remain."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.metrics.left_out import near_list
from lab.metrics.nearest import nearest
from lab.metrics.nearest_column import first_of_equals
from lab.metrics.points import Points


def points(features: np.ndarray, groups: np.ndarray | None = None) -> Points:
    n = len(features)
    count = 0 if groups is None else int(groups.max()) + 1
    return Points(features, np.arange(n).astype(str), np.arange(n), groups, count)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 3])
def test_every_place_is_that_of_the_whole_table(kind: type[np.floating], k: int) -> None:
    """Coordinates are whole numbers, so many distances are equal: of equals the lower row is nearer."""
    rng = np.random.default_rng(0)
    real, samples = (rng.integers(0, 4, (n, 3)).astype(kind) for n in (120, 50))
    groups = rng.permutation(np.arange(120) % 6)
    table = ((samples[:, None].astype(float) - real[None]) ** 2).sum(axis=2)
    lists = near_list(points(samples), points(real, groups), k)
    places = [lists.place(place, 6) for place in range(1, k + 1)]
    rows, distances = (np.stack([getattr(one, of) for one in places], axis=2) for of in ("rows", "distances"))
    assert distances.shape == (50, 7, k)
    for column in range(7):
        left = np.where(groups == column - 1, np.inf, table)
        order = np.argsort(left, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(rows[:, column], order)
        np.testing.assert_array_equal(distances[:, column], np.take_along_axis(left, order, axis=1))
    plain = nearest(points(samples), points(real), k)
    np.testing.assert_array_equal(plain.rows, rows[:, 0])
    np.testing.assert_array_equal(plain.distances, np.sqrt(distances[:, 0]))


def test_too_few_points_are_told_or_left_open() -> None:
    """Four points, three of them of one group: without it one other remains, or none beside the point itself."""
    features = np.arange(4.0)[:, None]
    real = points(features, np.array([0, 0, 0, 1]))
    found = near_list(real, real, 2)
    without = found.place(2, 2)
    assert without.rows[:, 0].tolist() == [2, 2, 3, 1]
    assert without.rows[:, 1].tolist() == [-1, -1, -1, -1] and np.isinf(without.distances[:, 1]).all()
    assert found.place(1, 2).rows[:, 1].tolist() == [3, 3, 3, -1]
    with pytest.raises(NotComputable, match="The 2 nearest neighbours need more than 2 images"):
        found.kth(2, 2)
    alone = nearest(points(features[:1]), points(features[:1]), k=2)
    assert alone.rows.tolist() == [[0, -1]] and np.isinf(alone.distances[0, 1])
    itself = points(features[:1])
    assert nearest(itself, itself, k=1).rows.tolist() == [[-1]]


def test_the_first_of_equals_is_the_lowest_column_of_the_nearest() -> None:
    row, column = np.array([2, 0, 2, 0, 2, 5]), np.array([7, 4, 3, 1, 9, 0])
    distances = np.array([1.0, 2.0, 1.0, 2.0, 0.5, 3.0])
    assert first_of_equals(row, column, distances).tolist() == [3, 4, 5]
