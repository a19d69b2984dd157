"""What is timed: ours and a peer on the same arrays, which must also agree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Work = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One comparison.

    Args:
        name: what is computed, on how much.
        ours, peer: do the same work and return comparable numbers.
        peer_name: whose code the peer is.
        agrees: whether both answers are the same.
    """

    name: str
    ours: Work
    peer: Work
    peer_name: str
    agrees: Callable[[Any, Any], bool]


def cloud(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Correlated features (rows, columns), float32."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(64, columns))
    return (rng.normal(size=(rows, 64)) @ mixing + 0.3 * rng.normal(size=(rows, columns))).astype(np.float32)


def neighbours(rows: int = 20_000, queries: int = 500, columns: int = 1280, k: int = 5) -> Case:
    """Exact neighbours against scikit-learn's brute force."""
    from sklearn.neighbors import NearestNeighbors

    from lab.neighbours.search import ExactIndex, unit

    reference, asked = unit(cloud(rows, columns, 0)), unit(cloud(queries, columns, 1))
    index = ExactIndex(reference)
    peer = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(reference)
    return Case(
        f"{k} nearest of {queries} queries in {rows:,} x {columns}",
        lambda: index.search(asked, k).rows,
        lambda: peer.kneighbors(asked, return_distance=False),
        "scikit-learn, brute force",
        lambda a, b: float(np.mean(np.sort(a, axis=1) == np.sort(b, axis=1))) > 0.999,
    )


def kernel_distance(rows: int = 2_000, columns: int = 768) -> Case:
    """The unbiased kernel distance of all pairs against torchmetrics' polynomial MMD on one subset of all rows."""
    import torch
    from torchmetrics.image.kid import poly_mmd

    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    a, b = cloud(rows, columns, 2), cloud(rows, columns, 3)
    first, second = torch.from_numpy(a).double(), torch.from_numpy(b).double()
    people = np.asarray([str(row) for row in range(rows)])

    def ours() -> float | None:
        given = MetricInput(real=a, real_patients=people, synthetic=b)
        return next(evaluate(["kernel-distance"], given)).value

    return Case(
        f"kernel distance with interval and floor, {rows:,} and {rows:,} x {columns}",
        ours,
        lambda: float(poly_mmd(first, second)),
        "torchmetrics, the value alone",
        lambda x, y: bool(np.isclose(x, y, rtol=1e-4)),
    )


def neighbourhoods(rows: int = 2_000, columns: int = 768) -> Case:
    """Precision, recall, density and coverage against the prdc package."""
    from prdc import compute_prdc

    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    names = ("precision", "recall", "density", "coverage")
    real, synthetic = cloud(rows, columns, 4), cloud(rows, columns, 5)
    people = np.asarray([str(row) for row in range(rows)])

    def ours() -> list[float | None]:
        given = MetricInput(real=real, real_patients=people, synthetic=synthetic)
        return [result.value for result in evaluate(names, given)]

    def peer() -> list[float]:
        with redirect_stdout(StringIO()):  # it prints the counts
            found = compute_prdc(real, synthetic, nearest_k=5)
        return [float(found[name]) for name in names]

    return Case(
        f"precision, recall, density, coverage with intervals and floors, {rows:,} and {rows:,} x {columns}",
        ours,
        peer,
        "prdc, the four values alone",
        lambda x, y: bool(np.allclose(np.asarray(x, dtype=float), y, atol=1e-3)),
    )


CASES: tuple[Callable[[], Case], ...] = (neighbours, kernel_distance, neighbourhoods)
