"""Placing new samples on a map: ours against umap-learn's own transform, on the same graph and layout."""

from __future__ import annotations

import warnings

import numpy as np

from bench.cases import Case
from bench.metric_cases import cloud


def placing(rows: int = 2_000, queries: int = 1, columns: int = 1280) -> Case:
    """One new sample on a UMAP of 2,000 images, warm: exact search of our own, umap-learn's layout."""
    import umap

    from lab.features.unit import unit
    from lab.projection.fit import fit

    train, new = unit(cloud(rows, columns, 6)), unit(cloud(queries, columns, 7))
    ours = fit(train, seed=0)
    assert ours.transform is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = umap.UMAP(
            n_neighbors=15, min_dist=0.1, metric="cosine", init="random", n_epochs=0, random_state=0, n_jobs=1
        ).fit(train)
    peer.init, peer.n_epochs, peer.embedding_ = "pca", None, ours.coordinates.copy()
    reach = float(np.ptp(ours.coordinates, axis=0).max())
    return Case(
        f"{queries} new samples on a UMAP of {rows:,} x {columns}",
        lambda: ours.transform(new),  # type: ignore[misc]
        lambda: peer.transform(new),
        "umap-learn's own transform",
        # umap-learn's own index is approximate: a few samples of many get other neighbours there, and other places.
        lambda a, b: float(np.mean(np.abs(a - b).max(axis=1) < 0.05 * reach)) >= 0.95,
    )


def placing_many(rows: int = 2_000, queries: int = 256, columns: int = 1280) -> Case:
    """A whole sample set at once."""
    return placing(rows, queries, columns)


def among_neighbours(rows: int = 20_000, queries: int = 64, columns: int = 1280, k: int = 15) -> Case:
    """Placing without a model, by the 15 nearest images, against scikit-learn's weighted neighbours."""
    from sklearn.neighbors import NearestNeighbors

    from lab.features.unit import unit
    from lab.neighbours.search import ExactIndex
    from lab.projection.place import SHARPNESS, place

    train, new = unit(cloud(rows, columns, 8)), unit(cloud(queries, columns, 9))
    points = np.random.default_rng(0).normal(size=(rows, 2))
    index = ExactIndex(train)
    finder = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(train)

    def peer() -> object:
        far, near = finder.kneighbors(new)
        excess = far - far[:, :1]
        weights = np.exp(-SHARPNESS * excess / np.maximum(excess.mean(axis=1, keepdims=True), 1e-12))
        return (points[near] * (weights / weights.sum(axis=1, keepdims=True))[:, :, None]).sum(axis=1)

    return Case(
        f"{queries} samples among their {k} nearest of {rows:,} x {columns}",
        lambda: place(new, index, points),
        peer,
        "scikit-learn, brute force",
        lambda a, b: bool(np.allclose(a, b, atol=1e-3)),
    )


MAP_CASES = (placing, placing_many, among_neighbours)
