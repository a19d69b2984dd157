"""Fault 38: whatever happens to the feature store's files, a wrong vector is never used."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from lab.features import store as store_module
from lab.features.store import FeatureStore, extract
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs

pytestmark = pytest.mark.fault(38)


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, MemorySet, Path]:
    films = MemorySet("films", blobs(2, 12))
    list(extract(CoarsePixels(), films, FeatureStore(tmp_path)))
    return tmp_path, films, next(tmp_path.rglob("*.npy"))


def _recomputed(root: Path, films: MemorySet) -> int:
    """How many images a fresh run computes again; the result must then be right."""
    extractor, store = CoarsePixels(), FeatureStore(root)
    list(extract(extractor, films, store))
    count = extractor.embedded
    expected = extractor.embed([films.image(name) for name in films.ids()])
    np.testing.assert_array_equal(store.matrix(extractor, films.digests()), expected)
    return count


@pytest.mark.parametrize("kept", [0, 10, 128, 1000])
def test_cut_matrix(filled, kept: int) -> None:
    root, films, matrix = filled
    matrix.write_bytes(matrix.read_bytes()[:kept])
    assert _recomputed(root, films) == 12


@pytest.mark.parametrize("kept", [0, 1, 40])
def test_cut_index(filled, kept: int) -> None:
    root, films, matrix = filled
    index = matrix.with_suffix(".json")
    index.write_bytes(index.read_bytes()[:kept])
    assert _recomputed(root, films) == 12


def test_one_flipped_bit(filled) -> None:
    root, films, matrix = filled
    data = bytearray(matrix.read_bytes())
    data[-100] ^= 4
    matrix.write_bytes(bytes(data))
    assert _recomputed(root, films) == 12


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_wrong_type(filled, dtype) -> None:
    root, films, matrix = filled
    values = np.load(matrix)
    np.save(matrix, values.astype(dtype))
    assert _recomputed(root, films) == 12


def test_array_of_objects_is_not_unpickled(filled) -> None:
    root, films, matrix = filled
    np.save(matrix, np.array([{"a": 1}] * 12, dtype=object), allow_pickle=True)
    assert _recomputed(root, films) == 12


@pytest.mark.parametrize(
    ("key", "value"),
    [("extractor", "0" * 64), ("dimension", 63), ("format", 0), ("digests", []), ("digests", [["x"]] * 12)],
)
def test_index_of_something_else(filled, key: str, value: object) -> None:
    root, films, matrix = filled
    index = matrix.with_suffix(".json")
    index.write_text(json.dumps(json.loads(index.read_text()) | {key: value}))
    assert _recomputed(root, films) == 12


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "[" * 100_000, "\ufeff{}", '{"digests": 3}'])
def test_index_that_is_no_index(filled, text: str) -> None:
    root, films, matrix = filled
    matrix.with_suffix(".json").write_text(text, "utf-8")
    assert _recomputed(root, films) == 12


def test_matrix_of_another_shard_of_the_same_shape(filled) -> None:
    root, films, matrix = filled
    np.save(matrix, np.load(matrix)[::-1].copy())
    assert _recomputed(root, films) == 12


def test_shard_of_another_extractor_in_this_ones_folder(filled) -> None:
    root, films, matrix = filled
    other = CoarsePixels(2)
    FeatureStore(root).put(other, films.digests(), np.zeros((12, 64), np.float32))
    for path in (root / other.digest[:24]).iterdir():
        path.rename(matrix.parent / f"00-{path.name}")
    assert _recomputed(root, films) == 0


def test_matrix_without_index_is_ignored_and_swept_when_old(filled, monkeypatch) -> None:
    root, films, matrix = filled
    matrix.with_suffix(".json").unlink()
    assert _recomputed(root, films) == 12
    os.utime(matrix, (time.time() - 1e5,) * 2)
    monkeypatch.setattr(store_module, "COMPACT_ABOVE", 0)
    FeatureStore(root).compact(CoarsePixels())
    assert not matrix.exists()
    assert _recomputed(root, films) == 0


def _killed_writer(root: str, where: str) -> None:
    """Write a shard, and die without any clean-up at the named call."""
    films, extractor = MemorySet("films", blobs(2, 12)), CoarsePixels()
    if where == "between":
        store_module.write_json = lambda path, value: os._exit(9)
    if where == "rename":
        os.replace = lambda source, target: os._exit(9)
    for _ in extract(extractor, films, FeatureStore(Path(root))):
        pass


@pytest.mark.parametrize("where", ["between", "rename"])
def test_writer_killed_between_write_and_rename(tmp_path: Path, where: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_killed_writer, args=(str(tmp_path), where))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert list(tmp_path.rglob("*.json")) == []
    assert _recomputed(tmp_path, MemorySet("films", blobs(2, 12))) == 12


def _writer(root: str, start: int) -> None:
    store_module.COMPACT_ABOVE = 3
    films = MemorySet("films", blobs(3, 40)[start : start + 20])
    for _ in extract(CoarsePixels(), films, FeatureStore(Path(root)), batch=2):
        time.sleep(0.002)


def test_concurrent_writers_and_mergers(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writer, args=(str(tmp_path), start)) for start in (0, 10, 20, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    assert _recomputed(tmp_path, MemorySet("films", blobs(3, 40))) == 0
