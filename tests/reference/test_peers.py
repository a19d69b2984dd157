"""The same numbers from public implementations: prdc for the neighbourhood metrics, torchmetrics for distances."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.comparison import Comparison
from lab.metrics.fidelity.frechet_distance import frechet_statistic
from lab.metrics.fidelity.kernel_distance import kernel_statistic
from lab.metrics.inputs import MetricInput
from lab.metrics.neighbourhoods import (
    coverage_statistic,
    density_statistic,
    precision_statistic,
    recall_statistic,
)
from lab.metrics.points import SetPair

SHAPES = [(300, 300, 16), (240, 170, 96), (180, 260, 300)]


def pair(n: int, m: int, d: int, seed: int = 0, shift: float = 0.2) -> tuple[np.ndarray, np.ndarray, SetPair]:
    """Correlated, shifted clouds, as float32 like the features of a network."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    real = (rng.normal(size=(n, d)) @ mixing).astype(np.float32)
    synthetic = (1.1 * rng.normal(size=(m, d)) @ mixing + shift).astype(np.float32)
    given = MetricInput(real, np.asarray([f"p{row}" for row in range(n)]), synthetic)
    return real, synthetic, Comparison(given, 0).main


@pytest.mark.row("C6")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [0.0, 0.2, 0.6])
def test_precision_recall_density_coverage_equal_prdc(shape: tuple[int, int, int], shift: float) -> None:
    from prdc import compute_prdc

    real, synthetic, sets = pair(*shape, shift=shift)
    expected = compute_prdc(real.astype(np.float64), synthetic.astype(np.float64), nearest_k=5)
    assert precision_statistic(sets).value == pytest.approx(expected["precision"], abs=1e-9)
    assert recall_statistic(sets).value == pytest.approx(expected["recall"], abs=1e-9)
    assert density_statistic(sets).value == pytest.approx(expected["density"], abs=1e-9)
    assert coverage_statistic(sets).value == pytest.approx(expected["coverage"], abs=1e-9)


@pytest.mark.row("C6")
@pytest.mark.parametrize("n", [150, 240])
def test_kernel_distance_equals_torchmetrics_with_one_subset_of_all(n: int) -> None:
    import torch
    from torchmetrics.image.kid import poly_mmd

    real, synthetic, sets = pair(n, n, 48)
    expected = poly_mmd(torch.from_numpy(real).double(), torch.from_numpy(synthetic).double()).item()
    assert kernel_statistic(sets).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.row("C6")
@pytest.mark.parametrize("shape", SHAPES)
def test_frechet_distance_equals_torchmetrics(shape: tuple[int, int, int]) -> None:
    import torch
    from torchmetrics.image.fid import _compute_fid

    real, synthetic, sets = pair(*shape)
    a, b = torch.from_numpy(real).double(), torch.from_numpy(synthetic).double()
    expected = _compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T)).item()
    assert frechet_statistic(sets).value == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_equals_the_matrix_square_root_formula() -> None:
    from scipy.linalg import sqrtm

    real, synthetic, sets = pair(300, 280, 24)
    a, b = real.astype(np.float64), synthetic.astype(np.float64)
    root = sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real
    gap = a.mean(0) - b.mean(0)
    expected = gap @ gap + np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False) - 2 * root)
    assert frechet_statistic(sets).value == pytest.approx(expected, rel=1e-7)
