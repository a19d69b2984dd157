"""Metrics of whole sets against the packages whose values they are tested against."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case


def cloud(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Correlated features (rows, columns), float32."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(64, columns))
    return (rng.normal(size=(rows, 64)) @ mixing + 0.3 * rng.normal(size=(rows, columns))).astype(np.float32)


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
