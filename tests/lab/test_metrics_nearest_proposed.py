"""The search of the nearest image alone: what FAISS proposes is decided exactly, whatever the features look like."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics import passes
from lab.metrics.nearest_proposed import WORTH, proposed_nearest, takes
from lab.metrics.points import Points, SetPair


def sets(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Training features and samples, (n, d) float32."""
    rng = np.random.default_rng(3)
    real, samples = (rng.normal(size=(n, 24)).astype(np.float32) for n in (WORTH + 90, 130))
    if kind == "far from the origin":  # rounding of the lengths hides which is nearer
        real, samples = real + np.float32(4000.0), samples + np.float32(4000.0)
    if kind == "copies":
        samples[:60] = real[40:100]
        real[300:320] = real[40]  # more equal ones than are proposed
    if kind == "one point":
        real[:] = real[0]
    return real, samples


def pair(real: np.ndarray, samples: np.ndarray) -> SetPair:
    """Both as points without patients."""
    one, two = (
        Points(side, np.arange(len(side)).astype(str), np.arange(len(side)), None, 0)
        for side in (real, samples)
    )
    return SetPair(one, two)


@pytest.mark.parametrize("kind", ["plain", "far from the origin", "copies", "one point"])
def test_nearest_is_that_of_direct_differences_in_double_precision(kind: str) -> None:
    real, samples = sets(kind)
    assert takes(samples, real)
    plain = ((samples[:, None].astype(np.float64) - real[None].astype(np.float64)) ** 2).sum(axis=2)
    found, squared = passes.nearest_training(pair(real, samples))
    np.testing.assert_allclose(squared, plain.min(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found, plain.argmin(axis=1))


def test_rows_that_rounding_leaves_open_are_told_and_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    real, samples = sets("far from the origin")
    left = proposed_nearest(samples, real)[2]
    assert len(left) > 0
    few = passes.nearest_training(pair(real, samples))
    monkeypatch.setattr(passes, "FEW", len(samples))
    alone = passes.nearest_training(pair(real, samples))
    np.testing.assert_array_equal(few[0], alone[0])
    np.testing.assert_allclose(few[1], alone[1], rtol=1e-12)


def test_double_precision_and_small_sets_go_another_way() -> None:
    real, samples = sets("plain")
    assert not takes(samples.astype(np.float64), real) and not takes(samples, real[: WORTH - 1])
