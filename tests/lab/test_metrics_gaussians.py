"""The Fréchet distance on all features: any number of rows, patients left out, shards."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics import gaussians
from lab.metrics.gaussians import frechet, frechet_left_out, frechet_of, moments, scatter
from lab.metrics.patients import jackknife_error


def sets(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    return rng.normal(size=(n, d)) @ mixing + 3.0, 1.1 * rng.normal(size=(m, d)) @ mixing + 3.1


def test_the_scatter_in_strips_is_the_plain_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussians, "_ROWS", 50)
    features = sets(170, 10, 97)[0].astype(np.float32)
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    found = scatter(features, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found, centred.T @ centred, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(60, 90), (90, 60), (300, 70), (70, 70)])
def test_fewer_rows_than_features_give_the_distance_of_the_singular_gaussians(n: int, m: int) -> None:
    a, b = sets(n, m, 100)
    assert frechet_of(a, b) == pytest.approx(frechet(*moments(a), *moments(b)), rel=1e-6)


@pytest.mark.row("R7")
@pytest.mark.parametrize("d", [24, 90])
def test_the_distance_equals_the_formula_of_clean_fid(d: int) -> None:
    from cleanfid.fid import frechet_distance

    a, b = sets(300, 280, d)
    (mean_a, cov_a), (mean_b, cov_b) = ((side.mean(axis=0), np.cov(side, rowvar=False)) for side in (a, b))
    try:
        expected = frechet_distance(mean_a, cov_a, mean_b, cov_b)
    except TypeError:  # newer SciPy has no `disp`: the same formula by hand
        from scipy.linalg import sqrtm

        root = sqrtm(cov_a @ cov_b).real
        expected = (mean_a - mean_b) @ (mean_a - mean_b) + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_of(a, b) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("flat", [0, 5])
def test_left_out_groups_by_the_derivative_give_the_exact_standard_error(flat: int) -> None:
    a, b = sets(800, 700, 70, seed=1)
    a[:, :flat], b[:, :flat] = 1.0, 1.0
    groups = [np.random.default_rng(n).permutation(np.arange(n) % 40) for n in (800, 700)]
    value, left = frechet_left_out(a, b, groups[0], groups[1], 40)
    assert value == pytest.approx(frechet_of(a, b), rel=1e-6)
    exact = np.asarray([frechet_of(a[groups[0] != group], b[groups[1] != group]) for group in range(40)])
    assert jackknife_error(left) == pytest.approx(jackknife_error(exact), rel=0.05)
    assert np.corrcoef(left, exact)[0, 1] > 0.98
    assert np.abs(left - exact).max() < 0.03 * value
