"""Large sets: rows in a memory-mapped file give the answers of rows in memory, and a damaged file is made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import NotFoundError
from lab.features.store import FeatureStore
from lab.features.unit import unit
from lab.neighbours.search import ExactIndex
from lab.neighbours.unit_store import stored_rows, unit_rows
from tests.builders.memory_set import CoarsePixels

KEY = CoarsePixels()
NAMES = [f"{row:064x}" for row in range(9000)]


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(9000, 64)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path, matrix) -> FeatureStore:
    filled = FeatureStore(tmp_path / "features")
    for start in (0, 5000):
        filled.put(KEY, NAMES[start : start + 5000], matrix[start : start + 5000])
    return filled


def _file(store: FeatureStore) -> Path:
    (path,) = (store.root / "joined").glob("*.npy")
    return path


@pytest.mark.parametrize("engine", ["faiss", "torch"])
def test_mapped_rows_are_searched_where_they_lie(store, matrix, engine) -> None:
    rows = unit_rows(store, KEY, NAMES, above=0)
    assert isinstance(rows, np.memmap)
    np.testing.assert_array_equal(rows, unit(matrix))
    index = ExactIndex(rows, engine=engine)
    assert np.shares_memory(index.reference, rows), "a second copy of a large set was made"
    asked = unit(np.random.default_rng(6).normal(size=(40, 64)))
    one, two = index.search(asked, 7), ExactIndex(unit(matrix), engine="faiss").search(asked, 7)
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.distances, two.distances)


def test_small_sets_stay_in_memory(store, matrix) -> None:
    rows = unit_rows(store, KEY, NAMES[:10])
    assert not isinstance(rows, np.memmap) and not (store.root / "joined").exists()
    np.testing.assert_array_equal(rows, unit(matrix[:10]))


@pytest.mark.row("X-06")
def test_the_file_is_made_once(store, matrix, monkeypatch) -> None:
    first = np.array(unit_rows(store, KEY, NAMES, above=0))
    monkeypatch.setattr(FeatureStore, "matrix", lambda *args: pytest.fail("the rows were read again"))
    np.testing.assert_array_equal(unit_rows(FeatureStore(store.root), KEY, NAMES, above=0), first)


@pytest.mark.fault(38)
@pytest.mark.parametrize("damage", ["cut", "flipped", "no checksum"])
def test_a_damaged_file_is_made_again(store, matrix, damage) -> None:
    unit_rows(store, KEY, NAMES, above=0)
    path = _file(store)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "flipped":
        data = bytearray(path.read_bytes())
        data[200_000] ^= 1
        path.write_bytes(data)
    else:
        path.with_suffix(".json").unlink()
    np.testing.assert_array_equal(unit_rows(store, KEY, NAMES, above=0), unit(matrix))


def test_other_images_another_order_and_other_rows_are_files_of_their_own(store, matrix) -> None:
    np.testing.assert_array_equal(unit_rows(store, KEY, NAMES[::-1], above=0), unit(matrix[::-1]))
    np.testing.assert_array_equal(stored_rows(store, KEY, NAMES[::-1], above=0), matrix[::-1])
    np.testing.assert_array_equal(unit_rows(store, KEY, NAMES, above=0), unit(matrix))
    with pytest.raises(NotFoundError, match="not computed yet"):
        unit_rows(store, KEY, [*NAMES, "f" * 64], above=0)
    assert len(list((store.root / "joined").glob("*.npy"))) == 3
