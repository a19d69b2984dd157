"""Exact neighbours in a large memory-mapped set: ours against bare FAISS, torch and scikit-learn."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case, Work

K = 5
Rows = NDArray[np.float32]


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="doppel-bench-")


@lru_cache(maxsize=1)
def mapped(rows: int, columns: int) -> Rows:
    """Correlated unit rows (rows, columns) float32 in a file, as the feature store keeps a large set."""
    path = Path(_folder().name) / f"{rows}-{columns}.npy"
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(64, columns)).astype(np.float32)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, columns))
    for start in range(0, rows, 10_000):
        out[start : start + 10_000] = _block(rng, min(10_000, rows - start), mixing)
    out.flush()
    return np.load(path, mmap_mode="c")


def _block(rng: np.random.Generator, rows: int, mixing: Rows) -> Rows:
    found = rng.normal(size=(rows, 64)).astype(np.float32) @ mixing
    found += 0.3 * rng.normal(size=found.shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _peers(reference: Rows, asked: Rows) -> Mapping[str, Work]:
    """The peers' quickest exact search of the same unit rows; each keeps its index between calls."""
    import faiss
    import torch
    from sklearn.neighbors import NearestNeighbors

    flat = faiss.IndexFlatIP(reference.shape[1])
    flat.add(reference)
    tensor, questions = torch.from_numpy(reference), torch.from_numpy(asked)
    brute = NearestNeighbors(n_neighbors=K, algorithm="brute", metric="euclidean").fit(reference)

    def by_torch() -> NDArray[Any]:
        with torch.inference_mode():
            parts = [(part @ tensor.T).topk(K, dim=1).indices for part in questions.split(250)]
        return torch.cat(parts).numpy()

    return {
        "FAISS, IndexFlatIP": lambda: flat.search(asked, K)[1],
        "torch, matmul and topk": by_torch,
        "scikit-learn, brute force": lambda: brute.kneighbors(asked, return_distance=False),
    }


def neighbours(rows: int = 100_000, queries: int = 1_000, columns: int = 1280) -> Case:
    """Neighbours of 1,000 queries over 100,000 x 1,280, distances in float64 and ties by row included."""
    from lab.neighbours.search import ExactIndex

    reference = mapped(rows, columns)
    asked = _block(np.random.default_rng(1), queries, _mixing(columns))
    index = ExactIndex(reference)
    peers = dict(_peers(reference, asked))
    first = next(iter(peers))
    return Case(
        name=f"{K} nearest of {queries:,} queries in {rows:,} x {columns}, memory-mapped",
        ours=lambda: index.search(asked, K).rows,
        peer=peers.pop(first),
        peer_name=first,
        agrees=lambda a, b: float(np.mean(np.sort(a, axis=1) == np.sort(b, axis=1))) > 0.999,
        others=peers,
    )


def _mixing(columns: int) -> Rows:
    """The same mixing as the reference's: queries lie among its rows."""
    return np.random.default_rng(0).normal(size=(64, columns)).astype(np.float32)
