"""Exact search: both engines against a plain one, exclusion of groups, edge cases."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import InputError
from lab.features.unit import unit
from lab.neighbours.cosine import nearest_either_way
from lab.neighbours.search import ExactIndex


def _plain(queries, reference, k, query_groups=None, groups=None):
    gap = queries[:, None].astype(np.float64) - reference[None]
    distances = (gap**2).sum(2) / 2
    if query_groups is not None:
        distances[query_groups[:, None] == groups[None]] = np.inf
    order = np.lexsort((np.broadcast_to(np.arange(len(reference)), distances.shape), distances), axis=1)[
        :, :k
    ]
    return np.take_along_axis(distances, order, 1), order


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    reference = unit(rng.normal(size=(500, 48)))
    reference[100:120] = reference[7]
    queries = np.concatenate([unit(rng.normal(size=(30, 48))), reference[[7, 300]]])
    groups = rng.integers(0, 80, 500)
    return queries, reference, groups, rng.integers(0, 80, 32)


@pytest.mark.parametrize("engine", ["faiss", "torch"])
def test_engines_equal_a_plain_search(world, engine) -> None:
    queries, reference, _, _ = world
    found = ExactIndex(reference, engine=engine).search(queries[:30], 6)
    distances, rows = _plain(queries[:30], reference, 6)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.distances, distances, atol=1e-12)


def test_both_engines_give_the_same_answers(world) -> None:
    queries, reference, groups, own = world
    for k, exclude in ((1, None), (10, None), (5, own)):
        one, two = (
            ExactIndex(reference, groups, engine).search(queries, k, exclude) for engine in ("faiss", "torch")
        )
        np.testing.assert_array_equal(one.distances, two.distances)
        np.testing.assert_array_equal(one.rows[:30], two.rows[:30])


@pytest.mark.parametrize("engine", ["faiss", "torch"])
def test_own_group_is_left_out(world, engine) -> None:
    queries, reference, groups, own = world
    found = ExactIndex(reference, groups, engine).search(queries[:30], 4, own[:30])
    distances, rows = _plain(queries[:30], reference, 4, own[:30], groups)
    np.testing.assert_array_equal(found.rows, rows)
    assert not (groups[found.rows] == own[:30, None]).any()


def test_copies_are_at_distance_zero_and_small_sets_end_in_nothing() -> None:
    reference = unit(np.random.default_rng(1).normal(size=(3, 8)))
    found = ExactIndex(reference, np.array(["a", "a", "b"])).search(reference[:1], 5, np.array(["a"]))
    assert found.rows.tolist() == [[2, -1, -1, -1, -1]]
    assert np.isinf(found.distances[0, 1:]).all()
    found = ExactIndex(reference).search(reference, 2)
    assert (found.distances[:, 0] == 0).all() and found.rows[:, 0].tolist() == [0, 1, 2]
    assert ExactIndex(reference[:0]).search(reference, 2).rows.tolist() == [[-1, -1]] * 3
    assert ExactIndex(reference).search(reference[:0], 2).rows.shape == (0, 2)


def test_a_vector_of_zeros_is_at_distance_one() -> None:
    reference = np.stack([np.zeros(4), [1, 0, 0, 0], [0, -1, 0, 0]]).astype(np.float32)
    found = ExactIndex(reference).search(np.zeros((1, 4), np.float32), 3)
    assert found.distances.tolist() == [[1.0, 1.0, 1.0]]
    found = ExactIndex(reference).search(np.array([[0, 1, 0, 0]], np.float32), 3)
    assert found.rows.tolist() == [[0, 1, 2]] and found.distances.tolist() == [[1.0, 1.0, 2.0]]


def test_refusals() -> None:
    index = ExactIndex(np.eye(3, dtype=np.float32))
    with pytest.raises(InputError):
        index.search(np.eye(3, dtype=np.float32), 0)
    with pytest.raises(InputError):
        index.search(np.eye(4, dtype=np.float32), 1)
    with pytest.raises(InputError):
        ExactIndex(np.eye(3, dtype=np.float32), engine="annoy")


def test_either_way_takes_the_nearer_and_names_a_film_once(world) -> None:
    _, reference, _, _ = world
    rng = np.random.default_rng(3)
    ways = np.stack([unit(rng.normal(size=(20, 48))), unit(rng.normal(size=(20, 48)))])
    ways[1, 4] = reference[321]
    found, flipped = nearest_either_way(ExactIndex(reference), ways, 5)
    both = np.minimum(*(((way[:, None].astype(float) - reference[None]) ** 2).sum(2) / 2 for way in ways))
    np.testing.assert_allclose(found.distances, np.sort(both, axis=1)[:, :5], atol=1e-12)
    assert all(len(set(row)) == 5 for row in found.rows.tolist())
    assert found.rows[4, 0] == 321 and flipped[4, 0]
