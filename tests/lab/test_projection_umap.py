"""Fault 39: UMAP with repeated rows, few points, constant features, several callers at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.projection.fit import fit
from lab.projection.place import place
from lab.projection.quality import quality

pytest.importorskip("umap")
pytestmark = pytest.mark.fault(39)


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 24)) * 3
    return (centres[np.repeat(np.arange(3), 20)] + rng.normal(size=(60, 24))).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(matrix):
    return fit(matrix, seed=4)


def test_a_map_is_finite_trustworthy_and_tells_its_settings(matrix, fitted) -> None:
    assert fitted.coordinates.shape == (60, 2) and np.isfinite(fitted.coordinates).all()
    assert quality(matrix, fitted.coordinates).trustworthiness > 0.85
    assert fitted.settings["seed"] == 4 and fitted.settings["neighbours"] == 15
    np.testing.assert_array_equal(fit(matrix, seed=4).coordinates, fitted.coordinates)


def test_new_points_are_transformed_near_where_they_are_placed(matrix, fitted) -> None:
    rng = np.random.default_rng(1)
    new = matrix[::6] + 0.2 * rng.normal(size=(10, 24)).astype(np.float32)
    moved = fitted.transform(new)
    assert moved.shape == (10, 2) and np.isfinite(moved).all()
    spread = np.linalg.norm(fitted.coordinates - fitted.coordinates.mean(0), axis=1).mean()
    assert np.median(np.linalg.norm(moved - place(new, matrix, fitted.coordinates), axis=1)) < spread


def test_repeated_rows_share_a_point(matrix) -> None:
    rows = np.concatenate([matrix[:30], np.repeat(matrix[:2], 40, axis=0)])
    points = fit(rows, seed=0).coordinates
    assert np.isfinite(points).all() and len(points) == 110
    assert (points[30:70] == points[0]).all() and (points[70:] == points[1]).all()


@pytest.mark.parametrize("count", [10, 12, 15, 16])
def test_few_points_lower_the_number_of_neighbours(matrix, count) -> None:
    found = fit(matrix[:count], seed=0)
    assert np.isfinite(found.coordinates).all() and found.coordinates.shape == (count, 2)
    assert found.settings["neighbours"] == min(15, count - 1)


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
@pytest.mark.parametrize(
    "rows",
    [
        np.empty((0, 24), np.float32),
        np.ones((1, 24), np.float32),
        np.ones((50, 24), np.float32),
        np.zeros((50, 24), np.float32),
    ],
)
def test_one_point_or_constant_features_are_refused_in_words(rows, method) -> None:
    with pytest.raises(NotComputable, match="no map was made"):
        fit(rows, method=method)


def test_rows_that_differ_only_in_length_are_one_direction(matrix) -> None:
    with pytest.raises(NotComputable, match="different features"):
        fit(np.arange(1, 41, dtype=np.float32)[:, None] * np.ones((1, 8), np.float32))


def test_values_that_are_not_finite_are_refused(matrix) -> None:
    broken = matrix.copy()
    broken[3, 3] = np.nan
    with pytest.raises(NotComputable, match="not finite"):
        fit(broken)


def test_three_callers_at_once_wait_for_each_other(matrix, fitted) -> None:
    results: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        results[number] = fitted.transform(matrix[:8]) if number else fit(matrix[:25], seed=1).coordinates

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(results) == [0, 1, 2]
    assert all(np.isfinite(points).all() for points in results.values())
    np.testing.assert_array_equal(results[1], results[2])
