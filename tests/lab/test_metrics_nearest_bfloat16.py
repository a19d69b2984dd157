"""Nearest images by bfloat16 products: the same answers as direct differences, or none where rounding hides them."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics import nearest_bfloat16, passes
from lab.metrics.nearest_bfloat16 import WORTH, coarse_nearest, takes
from tests.lab.test_metrics_nearest_proposed import pair

Features = np.ndarray


def sets(kind: str, dimension: int = 40) -> tuple[Features, Features]:
    """Training features and samples, (n, d) float32, more than one tile of each."""
    rng = np.random.default_rng(5)
    real, samples = (rng.normal(size=(n, dimension)) for n in (1500, 1100))
    if kind == "few directions":
        mixing = rng.normal(size=(4, dimension))
        real, samples = real[:, :4] @ mixing, samples[:, :4] @ mixing
    if kind == "far from the origin":
        real, samples = real + 4000.0, samples + 4000.0
    if kind == "copies":
        samples[:90] = real[40:130]
        real[300:310] = real[40]
    if kind == "small":
        real, samples = real * 1e-6, samples * 1e-6
    if kind == "one far away":
        real[7] *= 30.0
    return real.astype(np.float32), samples.astype(np.float32)


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors without such products round the same way, more slowly."""
    monkeypatch.setattr(nearest_bfloat16, "_multiplies", lambda: True)


@pytest.mark.row("X-02")
@pytest.mark.parametrize(
    "kind", ["plain", "few directions", "far from the origin", "copies", "small", "one far away"]
)
@pytest.mark.parametrize("dimension", [3, 40, 200])
def test_nearest_is_that_of_direct_differences_in_double_precision(kind: str, dimension: int) -> None:
    real, samples = sets(kind, max(dimension, 4) if kind == "few directions" else dimension)
    plain = ((samples[:, None].astype(np.float64) - real[None].astype(np.float64)) ** 2).sum(axis=2)
    found, squared = passes.nearest_training(pair(real, samples))
    np.testing.assert_allclose(squared, plain.min(axis=1), rtol=1e-12, atol=1e-30)
    np.testing.assert_array_equal(found, plain.argmin(axis=1))


def test_it_answers_by_itself_where_features_are_ordinary() -> None:
    real, samples = sets("plain")
    assert takes(samples) and coarse_nearest(samples, real) is not None


def test_it_gives_up_where_rounding_hides_who_is_near() -> None:
    real, samples = sets("plain")
    real[:] = real[0]
    assert coarse_nearest(samples, real) is None
    assert coarse_nearest(samples * np.float32(1e20), real) is None
    assert coarse_nearest(samples * 0, real * 0) is None


def test_a_processor_that_breaks_its_promise_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, samples = sets("plain", 200)
    monkeypatch.setattr(nearest_bfloat16, "_slack", lambda rows, columns, dimension: rows.lengths * 1e-9)
    assert coarse_nearest(samples, real) is None


def test_few_rows_go_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not takes(np.zeros((WORTH - 1, 3), np.float32))
    monkeypatch.setattr(nearest_bfloat16, "_multiplies", lambda: False)
    assert not takes(np.zeros((WORTH, 3), np.float32))
