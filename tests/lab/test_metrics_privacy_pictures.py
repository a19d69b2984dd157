"""Privacy metrics on pixels and on several depths: against plain NumPy and scikit-image, and on planted copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from lab.metrics.comparison import Comparison
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.other_space import in_space, pixel_space, thumbnails
from lab.metrics.pictures import pictures_of
from lab.metrics.result import MetricResult
from lab.metrics.whitening import fit_whitening
from tests.builders.memory_set import blobs

NAMES = ("extraction-ratio", "ssim-nearest", "memorisation-index")
N = 60


def films() -> dict[str, np.ndarray]:
    """Blobs on one common ground, as images of one modality have."""
    ground = np.asarray(blobs(99, 1)[0], dtype=np.float64)
    made = [np.asarray(blobs(seed, N), dtype=np.float64) for seed in range(3)]
    train, held_out, fresh = (np.clip(0.5 * side + 0.5 * ground, 0, 255).astype(np.uint8) for side in made)
    noise = np.random.default_rng(0).integers(-3, 4, train.shape)
    near = np.clip(train.astype(np.int64) + noise, 0, 255).astype(np.uint8)
    return {
        "train": train, "held-out": held_out, "fresh": fresh, "near": near,
        "half": np.concatenate([near[: N // 2], fresh[: N // 2]]),
    }  # fmt: skip


def features(pictures: np.ndarray, depth: int) -> np.ndarray:
    """Random projections stand in for a network's layers."""
    matrix = np.random.default_rng(depth).normal(size=(64 * 64, 10))
    return (pictures.reshape(len(pictures), -1) / 255.0 - 0.5) @ matrix / 64


def given(kind: str, sets: dict[str, np.ndarray]) -> MetricInput:
    sides = [sets[name] for name in ("train", kind, "held-out")]
    spaces = {f"depth:{at}": Space(*(features(side, at) for side in sides)) for at in range(3)}
    train, made, held_out = (pictures_of(list(side)) for side in sides)
    return MetricInput(
        features(sides[0], 0), np.asarray([f"p{row}" for row in range(N)]), features(sides[1], 0),
        held_out=features(sides[2], 0), held_out_patients=np.asarray([f"q{row}" for row in range(N)]),
        spaces=spaces, real_pictures=train, synthetic_pictures=made, held_out_pictures=held_out,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sets() -> dict[str, np.ndarray]:
    return films()


@pytest.fixture(scope="module")
def by_kind(sets) -> dict[str, dict[str, MetricResult]]:
    return {
        kind: {one.metric: one for one in evaluate(NAMES, given(kind, sets))}
        for kind in ("fresh", "half", "near")
    }


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", NAMES)
def test_copies_move_each_number_up_and_honest_samples_stay_at_the_control(by_kind, name: str) -> None:
    fresh, half, near = (by_kind[kind][name] for kind in ("fresh", "half", "near"))
    assert fresh.value < half.value < near.value
    assert fresh.low <= fresh.control_high and fresh.control_low <= fresh.high
    assert near.low > near.control_high


@pytest.mark.parametrize("name", NAMES)
def test_flagged_samples_are_the_copies_beside_their_sources(by_kind, name: str) -> None:
    pairs = by_kind["half"][name].details["flagged"]
    copies = [pair for pair in pairs if pair["sample"] < N // 2]
    assert len(copies) == N // 2 and all(pair["sample"] == pair["training"] for pair in copies)
    assert len(pairs) - len(copies) <= 8


def test_the_adaptive_distance_is_that_of_the_definition(sets, by_kind) -> None:
    grey = [side.reshape(N, -1) / 255.0 for side in (sets["half"], sets["train"])]
    distances = np.sort(np.sqrt(((grey[0][:, None] - grey[1][None]) ** 2).mean(axis=2)), axis=1)[:, :50]
    expected = distances[:, 0] / (0.5 * distances.mean(axis=1))
    found = by_kind["half"]["extraction-ratio"]
    assert found.per_image == pytest.approx(expected, rel=1e-6)
    assert found.value == pytest.approx((expected < 1).mean())
    assert found.details["bars"]["Extracted samples"] == int((expected < 1).sum())


def test_the_similarity_is_that_of_scikit_image(sets, by_kind) -> None:
    """The best of all training images: with 60 of them the 50 candidates miss none of the best."""
    found = by_kind["half"]["ssim-nearest"].per_image
    for row in (0, N - 1):
        best = max(
            structural_similarity(
                sets["half"][row] / 255.0, film / 255.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                data_range=1.0,
            )
            for film in sets["train"]
        )  # fmt: skip
        assert found[row] == pytest.approx(best, abs=1e-5)


def test_whitened_training_images_have_no_preferred_direction() -> None:
    rng = np.random.default_rng(0)
    train = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5)) + 3
    whitening = fit_whitening(train)
    white = (train - whitening.centre) @ whitening.axes
    assert whitening.whole and np.allclose(np.cov(white.T), np.eye(5), atol=1e-4)
    assert np.allclose(np.linalg.norm(whitening.directions(train), axis=1), 1.0)
    few = fit_whitening(train[:8])
    assert not few.whole and few.axes.shape == (5, 2)


def test_an_exact_copy_has_the_highest_index_there_is_and_its_overfit_index_is_minus_one(sets) -> None:
    exact = given("near", {**sets, "near": sets["train"]})
    (one,) = evaluate(["memorisation-index"], exact)
    null = one.details["null"]
    assert one.per_image == pytest.approx(np.full(N, (1 - null["mean"]) / null["deviation"]), rel=1e-6)
    assert -np.tanh(one.per_image).max() < -0.999


def test_what_is_not_at_hand_is_said_instead_of_a_number(sets) -> None:
    whole = given("fresh", sets)
    without = replace(whole, real_pictures=None, synthetic_pictures=None, held_out_pictures=None)
    two = replace(whole, spaces={name: whole.spaces[name] for name in ("depth:0", "depth:1")})
    for result in evaluate(("extraction-ratio", "ssim-nearest"), without):
        assert result.value is None and "images are not at hand" in result.note
    (index,) = evaluate(("memorisation-index",), two)
    assert index.value is None and "3 depths" in index.note
    (absent,) = evaluate(("memorisation-index",), replace(whole, absent={"depths": "No weights here."}))
    assert absent.value is None and absent.note.endswith("No weights here.")


def test_without_held_out_pixels_there_is_a_number_without_a_control(sets) -> None:
    whole = given("half", sets)
    alone = replace(whole, held_out=None, held_out_patients=None, held_out_pictures=None, spaces={})
    for result in evaluate(("extraction-ratio", "ssim-nearest"), alone):
        assert result.value is not None and result.control is None and "no held-out images" in result.note


def test_thumbnails_keep_order_and_use_the_range_of_sixteen_bits() -> None:
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    deep = (rng.integers(0, 4096, (40, 50))).astype(np.uint16)
    small = thumbnails(pictures_of([colour, deep]), 16)
    assert small.shape == (2, 256) and small.dtype == np.float32
    assert small.min() >= 0 and 0.3 < small[1].mean() < 0.7
    pixels = in_space(Comparison(given("fresh", films()), 0), pixel_space(given("fresh", films()), 16))
    assert pixels.real.features.shape == (N, 256) and sorted(pixels.real.order.tolist()) == list(range(N))
