"""Which way each set metric moves on sets whose truth is known, that order and blocks do not matter, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lab.metrics import blocks
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.registry import get_metric
from lab.metrics.result import MetricResult

NAMES = [
    "xing-fidelity", "xing-real-share", "xing-privacy", "alpha-precision", "beta-recall", "realism", "vendi-score",
    "feature-std", "inception-score", "sliced-wasserstein", "energy-distance", "kl-knn", "mahalanobis-mean", "mifid",
]  # fmt: skip
N, D = 120, 6
LOGITS = 12


def scores(features: np.ndarray) -> np.ndarray:
    """Class scores of a toy classifier, fixed for all sets."""
    return 2.0 * features @ np.random.default_rng(9).normal(size=(features.shape[1], LOGITS))


def given(real: np.ndarray, synthetic: np.ndarray, held_out: np.ndarray) -> MetricInput:
    return MetricInput(
        real=real,
        real_patients=np.asarray([f"p{row:03d}" for row in range(len(real))]),
        synthetic=synthetic,
        held_out=held_out,
        held_out_patients=np.asarray([f"q{row:03d}" for row in range(len(held_out))]),
        real_labels=np.asarray(["a", "b"])[np.arange(len(real)) % 2],
        synthetic_labels=np.asarray(["a", "b"])[np.arange(len(synthetic)) % 2],
        spaces={
            "logits": Space(scores(real), scores(synthetic), scores(held_out)),
            "pool3": Space(real, synthetic, held_out),
        },
        extractor="toy",
    )


def toy_sets() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    train, held_out, fresh = (rng.normal(0.7, 1.0, size=(N, D)) for _ in range(3))
    return {
        "train": train, "held-out": held_out, "fresh": fresh, "identical": train.copy(),
        "copied": train + 0.01 * rng.normal(size=(N, D)), "disjoint": rng.normal(9.0, 1.0, size=(N, D)),
        "collapsed": np.repeat(fresh[:1], N, axis=0) + 1e-3 * rng.normal(size=(N, D)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, MetricResult]]:
    sets = toy_sets()
    return {
        name: {
            result.metric: result
            for result in evaluate(NAMES, given(sets["train"], sets[name], sets["held-out"]))
        }
        for name in sets
        if name not in ("train", "held-out")
    }


@pytest.mark.fault(32)
def test_honest_samples_score_as_held_out_images_do(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name, result in measured["fresh"].items():
        assert result.low <= result.control_high and result.control_low <= result.high, name
        assert result.floor is not None, name


@pytest.mark.fault(32)
@pytest.mark.parametrize("copies", ["identical", "copied"])
def test_copies_improve_fidelity_and_end_privacy(
    measured: dict[str, dict[str, MetricResult]], copies: str
) -> None:
    fresh, found = measured["fresh"], measured[copies]
    for name in ("sliced-wasserstein", "energy-distance", "kl-knn", "mahalanobis-mean"):
        assert found[name].value < fresh[name].value, name
    for name in ("xing-fidelity", "alpha-precision", "beta-recall", "realism"):
        assert found[name].value > fresh[name].value, name
    assert found["xing-privacy"].value == found["xing-real-share"].value == 0.0
    assert found["beta-recall"].value > 0.95
    # Neither variety score sees that the images are the training images.
    assert found["feature-std"].value == pytest.approx(fresh["feature-std"].value, rel=0.15)
    assert found["vendi-score"].value == pytest.approx(fresh["vendi-score"].value, rel=0.15)


@pytest.mark.fault(32)
def test_a_disjoint_set_is_private_and_far(measured: dict[str, dict[str, MetricResult]]) -> None:
    fresh, far = measured["fresh"], measured["disjoint"]
    for name in ("xing-fidelity", "xing-real-share", "alpha-precision", "beta-recall"):
        assert far[name].value == 0.0, name
    assert far["xing-privacy"].value == 1.0
    assert far["realism"].value < 0.6 < fresh["realism"].value
    for name in ("sliced-wasserstein", "energy-distance", "kl-knn", "mahalanobis-mean", "mifid"):
        assert far[name].value > fresh[name].value + 1.0, name
        assert far[name].low > far[name].control_high, name


@pytest.mark.fault(32)
def test_a_collapsed_set_has_no_variety(measured: dict[str, dict[str, MetricResult]]) -> None:
    fresh, collapsed = measured["fresh"], measured["collapsed"]
    assert collapsed["vendi-score"].value == pytest.approx(1.0, abs=0.01)
    assert collapsed["feature-std"].value < 0.01
    assert collapsed["inception-score"].value == pytest.approx(1.0, abs=0.01)
    assert collapsed["beta-recall"].value < 0.05
    for name in ("sliced-wasserstein", "energy-distance", "kl-knn"):
        assert collapsed[name].low > collapsed[name].control_high, name
    assert fresh["inception-score"].value > 2.0


def test_the_memorisation_informed_distance_divides_only_where_samples_are_close(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    copied, disjoint = measured["copied"]["mifid"], measured["disjoint"]["mifid"]
    bars = copied.details["bars"]
    near = bars["mean cosine distance, samples"]
    assert near < 0.001 < bars["mean cosine distance, held-out images"]
    assert copied.value == pytest.approx(bars["Fréchet distance"] / near, rel=1e-9)
    far = disjoint.details["bars"]
    assert far["mean cosine distance, samples"] < 0.1
    options = {"mifid.threshold": 0.0}
    sets = toy_sets()
    plain = replace(given(sets["train"], sets["copied"], sets["held-out"]), options=options)
    assert next(evaluate(["mifid"], plain)).value == pytest.approx(bars["Fréchet distance"], rel=1e-9)


def shuffled(one: MetricInput, seed: int) -> tuple[MetricInput, np.ndarray]:
    rng = np.random.default_rng(seed)
    r, s, h = (rng.permutation(count) for count in (one.n_real, one.n_synthetic, one.n_held_out))
    moved = one.take(r, s, h, one.group)
    return moved, s


@pytest.mark.fault(37)
@pytest.mark.parametrize("name", ["fresh", "copied"])
def test_order_and_block_size_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = toy_sets()
    one = given(sets["train"], sets[name], sets["held-out"])
    first = {result.metric: result for result in evaluate(NAMES, one, 3)}
    moved, order = shuffled(one, 1)
    monkeypatch.setattr(blocks, "BLOCK_VALUES", 7 * N)
    second = {result.metric: result for result in evaluate(NAMES, moved, 3)}
    for metric in NAMES:
        for field in ("value", "low", "high", "control", "control_low", "control_high", "floor", "published"):
            here, there = getattr(first[metric], field), getattr(second[metric], field)
            assert (here is None) == (there is None)
            if here is not None:
                assert there == pytest.approx(here, rel=1e-7, abs=1e-9), f"{metric}.{field}"
        if first[metric].per_image is not None:
            np.testing.assert_allclose(first[metric].per_image[order], second[metric].per_image, rtol=1e-7)


@pytest.mark.fault(31)
@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_too_few_samples_are_refused_with_a_reason(n: int) -> None:
    sets = toy_sets()
    for result in evaluate(NAMES, given(sets["train"], sets["fresh"][:n], sets["held-out"])):
        needed = get_metric(result.metric).spec.minimum_n
        assert result.value is None
        assert f"needs {needed} or more" in result.note, result.metric


@pytest.mark.fault(31)
def test_few_patients_give_a_number_without_an_interval() -> None:
    sets = toy_sets()
    one = given(sets["train"], sets["fresh"], sets["held-out"])
    few = replace(
        one,
        real_patients=np.asarray([f"p{row % 12}" for row in range(N)]),
        synthetic_groups=np.asarray([f"s{row % 12}" for row in range(N)]),
    )
    for result in evaluate(NAMES, few):
        assert result.value is not None and result.low is None and result.high is None, result.metric
        assert "No interval" in result.note, result.metric


@pytest.mark.fault(31)
def test_fewer_images_than_features_are_measured_with_a_finite_number() -> None:
    rng = np.random.default_rng(2)
    real, synthetic, held_out = (rng.normal(0.5, 1.0, size=(60, 150)) for _ in range(3))
    for result in evaluate(NAMES, given(real, synthetic, held_out)):
        assert result.value is not None and np.isfinite(result.value), result.metric
        json.dumps(result.to_json(), allow_nan=False)
        assert len(json.dumps(result.details)) < 200_000


@pytest.mark.fault(33)
def test_repeated_and_blank_features_give_a_reason_or_a_number_never_nan() -> None:
    sets = toy_sets()
    repeated = np.repeat(sets["fresh"][:6], 20, axis=0)
    found = {
        result.metric: result for result in evaluate(NAMES, given(sets["train"], repeated, sets["held-out"]))
    }
    assert found["kl-knn"].value is None and "same features" in found["kl-knn"].note
    assert found["vendi-score"].value <= 6.0
    for name in set(NAMES) - {"kl-knn"}:
        assert found[name].value is not None, name
    blank = sets["fresh"].copy()
    blank[:3] = 0.0
    result = next(evaluate(["vendi-score"], given(sets["train"], blank, sets["held-out"])))
    assert result.value is None and "3 images" in result.note


def test_vendi_by_label_compares_equal_numbers_of_images(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    table = measured["fresh"]["vendi-score"].details["table"]
    assert [row["Label"] for row in table] == ["a", "b"]
    for row in table:
        assert row["Images"] == 60
        assert 1.0 < row["Samples"] <= 60 and 1.0 < row["Training images"] <= 60


def test_intervals_cover_the_value_of_the_whole_population() -> None:
    """Of 40 small draws about 38 intervals hold the value of a large draw; each may miss it by bad luck."""
    rng = np.random.default_rng(11)
    large, train = rng.normal(size=(4000, 4)), rng.normal(size=(60, 4))
    patients = np.asarray([f"p{row}" for row in range(60)])
    whole = {
        result.metric: result.value
        for result in evaluate(["feature-std", "vendi-score"], MetricInput(train, patients, large))
    }
    held = {"feature-std": 0, "vendi-score": 0}
    for _ in range(40):
        small = MetricInput(train, patients, large[rng.integers(0, 4000, 150)])
        for result in evaluate(list(held), small):
            held[result.metric] += result.low <= whole[result.metric] <= result.high
    assert held["feature-std"] >= 33
    # Vendi grows with the number of images, so a small draw sits slightly below the large one.
    assert held["vendi-score"] >= 28


def test_beta_recall_can_rise_while_spread_falls_and_coverage_shows_the_loss_later() -> None:
    """What the metric says of its own bias: samples drawn towards their centre gain before they lose."""
    rng = np.random.default_rng(0)
    centres = np.random.default_rng(5).normal(size=(10, 32)) * 2.0
    train, made = (centres[rng.integers(0, 10, 300)] + rng.normal(size=(300, 32)) for _ in range(2))
    found = []
    for spread in (1.0, 0.8, 0.4):
        narrower = made.mean(axis=0) + (made - made.mean(axis=0)) * spread
        given_ = MetricInput(train, np.arange(300).astype(str), narrower)
        found.append(
            {result.metric: result.value for result in evaluate(["beta-recall", "feature-std"], given_)}
        )
    assert found[1]["beta-recall"] > found[0]["beta-recall"] + 0.05 > found[2]["beta-recall"]
    assert found[0]["feature-std"] > found[1]["feature-std"] > found[2]["feature-std"]
