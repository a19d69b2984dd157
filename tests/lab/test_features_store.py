"""The feature store: keyed by digests, incremental, resumable, merged when it has many shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import NotFoundError, StoreError
from lab.features import store as store_module
from lab.features.store import FeatureStore, extract
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs


@pytest.fixture(scope="module")
def films() -> MemorySet:
    return MemorySet("films", blobs(0, 70))


@pytest.mark.row("X-06")
def test_second_run_extracts_no_image(tmp_path: Path, films: MemorySet) -> None:
    extractor = CoarsePixels()
    steps = list(extract(extractor, films, FeatureStore(tmp_path), batch=32))
    assert steps == [(0, 70), (32, 70), (64, 70), (70, 70)]
    assert extractor.embedded == 70
    reads, missing = films.reads, []
    assert list(extract(extractor, films, FeatureStore(tmp_path), on_missing=missing.append)) == [(70, 70)]
    assert (extractor.embedded, films.reads, missing) == (70, reads, [0])


@pytest.mark.row("X-06")
def test_only_new_images_are_extracted(tmp_path: Path) -> None:
    pictures, extractor, store = blobs(1, 12), CoarsePixels(), FeatureStore(tmp_path)
    list(extract(extractor, MemorySet("a", pictures[:8]), store))
    list(extract(extractor, MemorySet("b", pictures[4:] + pictures[:2]), store))
    assert extractor.embedded == 12


def test_rows_come_in_the_order_asked_for(tmp_path: Path, films: MemorySet) -> None:
    extractor, store = CoarsePixels(), FeatureStore(tmp_path)
    list(extract(extractor, films, store, batch=16))
    digests = films.digests()
    wanted = [digests[position] for position in (69, 0, 33, 33, 5)]
    expected = extractor.embed([films.image(films.ids()[position]) for position in (69, 0, 33, 33, 5)])
    np.testing.assert_array_equal(store.matrix(extractor, wanted), expected)
    assert store.matrix(extractor, []).shape == (0, 64)


def test_a_stopped_extraction_goes_on_where_it_stopped(tmp_path: Path, films: MemorySet) -> None:
    extractor = CoarsePixels()
    steps = extract(extractor, films, FeatureStore(tmp_path), batch=20)
    for _ in range(3):
        next(steps)
    steps.close()
    assert extractor.embedded == 40
    list(extract(extractor, films, FeatureStore(tmp_path), batch=20))
    assert extractor.embedded == 70


def test_missing_features_are_an_error_not_zeros(tmp_path: Path, films: MemorySet) -> None:
    store, extractor = FeatureStore(tmp_path), CoarsePixels()
    assert store.missing(extractor, ["a", "b", "a"]) == ["a", "b"]
    with pytest.raises(NotFoundError, match="2 images"):
        store.matrix(extractor, ["a", "b"])


def test_another_version_of_an_extractor_shares_nothing(tmp_path: Path, films: MemorySet) -> None:
    store = FeatureStore(tmp_path)
    list(extract(CoarsePixels(1), films, store))
    assert len(store.missing(CoarsePixels(2), films.digests())) == 70


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 63), np.float32),
        np.zeros((1, 64), np.float32),
        np.zeros((2, 64), np.float64),
        np.full((2, 64), np.nan, np.float32),
    ],
)
def test_wrong_vectors_are_not_saved(tmp_path: Path, matrix: np.ndarray) -> None:
    store, extractor = FeatureStore(tmp_path), CoarsePixels()
    with pytest.raises(StoreError, match="not saved"):
        store.put(extractor, ["a", "b"], matrix)
    assert not list(tmp_path.rglob("*.json"))


def test_many_shards_are_merged_and_nothing_changes(tmp_path: Path, films: MemorySet, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "COMPACT_ABOVE", 4)
    extractor, store, onlooker = CoarsePixels(), FeatureStore(tmp_path), FeatureStore(tmp_path)
    list(extract(extractor, MemorySet("part", blobs(0, 70)[:4]), store, batch=1))
    before = onlooker.matrix(extractor, films.digests()[:4])
    list(extract(extractor, films, store, batch=8))
    assert len(list(tmp_path.rglob("*.npy"))) == len(list(tmp_path.rglob("*.json"))) == 1
    np.testing.assert_array_equal(onlooker.matrix(extractor, films.digests()[:4]), before)
    expected = extractor.embed([films.image(name) for name in films.ids()])
    np.testing.assert_array_equal(onlooker.matrix(extractor, films.digests()), expected)


def test_files_are_memory_mapped(tmp_path: Path, films: MemorySet) -> None:
    extractor, store = CoarsePixels(), FeatureStore(tmp_path)
    list(extract(extractor, films, store))
    assert store.missing(extractor, films.digests()) == []
    assert all(isinstance(shard.matrix, np.memmap) for shard in store._shards.values() if shard)
