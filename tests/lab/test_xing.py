"""Xing's three sets: the collapse guard, Hamming distance for codes, who copies whom, and sets of thousands."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.metrics.codes import holds_codes, refuse_codes
from lab.metrics.comparison import Comparison
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

SHARES = ["xing-fidelity", "xing-real-share", "xing-privacy"]


def given(real: np.ndarray, synthetic: np.ndarray, held_out: np.ndarray | None = None, **more) -> MetricInput:
    films = (
        {} if held_out is None else {"held_out_patients": np.asarray([f"q{n}" for n in range(len(held_out))])}
    )
    return MetricInput(
        real, np.asarray([f"p{n}" for n in range(len(real))]), synthetic, held_out=held_out, **films, **more
    )


def measure(names: list[str], sets: MetricInput) -> dict[str, MetricResult]:
    return {result.metric: result for result in evaluate(names, sets)}


@pytest.mark.row("XI-02")
def test_a_collapsed_set_wakes_the_guard_and_shows_its_badge() -> None:
    rng = np.random.default_rng(0)
    real, varied = rng.normal(size=(80, 6)), rng.normal(size=(60, 6))
    # One point just outside the nearest copy ball: only the wider radius calls its repeats copies.
    within = np.linalg.norm(real[:, None] - real[None], axis=2) + np.diag(np.full(80, np.inf))
    direction = np.eye(6)[0]
    across = lambda point: np.linalg.norm(real - point, axis=1) - within.min(axis=1)  # noqa: E731
    point = next(
        real[row] + (within[row].min() + 0.03) * direction
        for row in np.argsort(within.min(axis=1))
        if across(real[row] + (within[row].min() + 0.03) * direction).min() > 0.02
    )
    collapsed = np.repeat(point[None], 60, axis=0) + 1e-4 * rng.normal(size=(60, 6))
    found = measure(SHARES, given(real, collapsed, varied))
    for result in found.values():
        assert result.details["badges"] == ["collapse guard active"]
        assert result.note.startswith("Collapse guard active")
    assert found["xing-privacy"].value == 0.0
    spread_out = collapsed + np.arange(60)[:, None] * np.eye(6)[5] * 100.0
    for result in measure(SHARES, given(real, spread_out, varied)).values():
        assert result.details["badges"] == [] and "guard" not in result.note


@pytest.mark.row("XI-03")
def test_whole_number_codes_use_hamming_and_the_frechet_distance_is_refused() -> None:
    rng = np.random.default_rng(1)
    real = rng.integers(0, 512, (60, 32)).astype(np.float64)
    copies = real[:30].copy()
    copies[:, 0] = 511 - copies[:, 0]
    honest = rng.integers(0, 512, (30, 32)).astype(np.float64)
    sets = given(real, np.concatenate([copies, honest]), rng.integers(0, 512, (40, 32)).astype(np.float64))
    found = measure([*SHARES, "frechet-distance", "feature-std", "vendi-score"], sets)
    privacy = found["xing-privacy"]
    assert privacy.details["distance"] == "hamming" and "Hamming" in privacy.note
    assert privacy.details["flagged_count"] >= 30
    assert {pair["score"] for pair in privacy.details["flagged"][:30]} == {1 / 32}
    for name in ("frechet-distance", "feature-std", "vendi-score"):
        assert found[name].value is None and "discrete codes" in found[name].note, name
    # A person may insist on either distance.
    by_force = given(real, sets.synthetic, options={"xing-privacy.mode": 1.0})
    assert measure(["xing-privacy"], by_force)["xing-privacy"].details["distance"] == "euclidean"


@pytest.mark.row("XI-03")
def test_hamming_equals_scipy_and_measured_features_are_no_codes() -> None:
    from scipy.spatial.distance import cdist

    from lab.metrics.codes import hamming_blocks

    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 300, (25, 17)).astype(float), rng.integers(0, 300, (40, 17)).astype(float)
    table = np.concatenate([block for _, block in hamming_blocks(a, b)])
    np.testing.assert_allclose(table, cdist(a, b, "hamming"), rtol=1e-12)
    assert holds_codes(a, b) and not holds_codes(a, b + 0.5) and not holds_codes(np.zeros((5, 3)))
    with pytest.raises(NotComputable, match="names and not amounts"):
        refuse_codes(Comparison(given(a, b), 0))


@pytest.mark.row("XI-11")
def test_each_copy_names_the_training_image_it_lies_on() -> None:
    rng = np.random.default_rng(3)
    real = rng.normal(size=(70, 10))
    sources = rng.permutation(70)[:25]
    synthetic = np.concatenate(
        [real[sources] + 1e-3 * rng.normal(size=(25, 10)), rng.normal(9.0, 1.0, (20, 10))]
    )
    order = rng.permutation(45)
    found = measure(SHARES, given(real, synthetic[order], rng.normal(size=(30, 10))))
    details = found["xing-privacy"].details
    across = np.linalg.norm(synthetic[order][:, None] - real[None], axis=2)
    assert {pair["sample"] for pair in details["flagged"]} == set(np.flatnonzero(order < 25))
    for pair in details["flagged"]:
        assert pair["training"] == across[pair["sample"]].argmin() == sources[order[pair["sample"]]]
        assert pair["score"] == pytest.approx(across[pair["sample"]].min(), rel=1e-9)
    assert details["set_of_each_sample"] == "".join("c" if one < 25 else "n" for one in order)
    np.testing.assert_array_equal(found["xing-privacy"].per_image, (order >= 25).astype(float))
    assert len(json.dumps(details)) < 200_000


@pytest.mark.row("XI-12")
def test_five_thousand_and_one_samples_are_all_counted_in_less_memory_than_a_matrix() -> None:
    """One sample in three is a copy; no remainder of a block is lost, and each answer keeps its row."""
    rng = np.random.default_rng(4)
    real = rng.normal(size=(5001, 6))
    synthetic = np.where(np.arange(5001)[:, None] % 3 == 0, real + 1e-6, rng.normal(30.0, 1.0, (5001, 6)))
    sets = given(real, synthetic)
    tracemalloc.start()
    try:
        result = next(evaluate(["xing-privacy"], sets))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5001 * 5001 * 8
    assert result.details["set_of_each_sample"] == "cnn" * 1667
    assert result.n_synthetic == 5001 == len(result.per_image)
    assert result.value == pytest.approx(2 / 3, abs=1e-12)


def test_k_widens_the_real_set_and_is_shared_between_equal_options() -> None:
    rng = np.random.default_rng(5)
    real, synthetic = rng.normal(size=(90, 5)), rng.normal(size=(90, 5))
    values = []
    for k in (1, 5, 20):
        options = {f"{name}.k": float(k) for name in SHARES}
        found = measure(SHARES, given(real, synthetic, options=options))
        values.append(found["xing-fidelity"].value)
        assert found["xing-privacy"].value == pytest.approx(
            measure(["xing-privacy"], given(real, synthetic))["xing-privacy"].value
        )
    assert values[0] < values[1] < values[2]
    comparison = Comparison(given(real, synthetic), 0)
    made: list[int] = []
    for _ in range(2):
        comparison.shared("once", lambda: made.append(1))
    assert made == [1]
