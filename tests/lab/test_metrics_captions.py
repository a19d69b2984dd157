"""Metrics on images and their captions: against numpy, in the right direction, refused in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.errors import InputError
from lab.metrics.alignment.retrieval_recall import recall_hits
from lab.metrics.evaluate import evaluate
from lab.metrics.guards import InputSizes, check
from lab.metrics.inputs import MetricInput
from lab.metrics.pairs import Pairs
from lab.metrics.registry import get_metric

NAMES = ["clip-score", "retrieval-recall"]
NUMBERS = (
    "value",
    "low",
    "high",
    "control",
    "control_low",
    "control_high",
    "floor",
    "floor_low",
    "floor_high",
)


def pairs(count: int, captions: int, noise: float, seed: int) -> Pairs:
    """Captions are random directions; an image lies near its own. Lengths are not 1: cosines do not mind."""
    rng = np.random.default_rng(seed)
    texts = np.random.default_rng(99).normal(size=(captions, 16))[np.arange(count) % captions]
    images = (texts + noise * rng.normal(size=texts.shape)) * rng.uniform(0.5, 2, (count, 1))
    names = np.asarray([f"caption {row % captions}" for row in range(count)])
    return Pairs(images.astype(np.float32), texts.astype(np.float32), names, "toy-clip")


def given(samples: Pairs | None, films: Pairs | None, **changes) -> MetricInput:
    rng = np.random.default_rng(0)
    m = 60 if samples is None else len(samples)
    h = 80 if films is None else len(films)
    real, synthetic, held_out = (rng.normal(size=(n, 4)) for n in (30, m, h))
    return MetricInput(
        **{
            "real": real, "real_patients": np.asarray([f"p{n}" for n in range(30)]), "synthetic": synthetic,
            "held_out": held_out, "held_out_patients": np.asarray([f"q{n // 2}" for n in range(h)]),
            "synthetic_pairs": samples, "held_out_pairs": films, "extractor": "toy", **changes,
        }
    )  # fmt: skip


@pytest.fixture
def good() -> MetricInput:
    return given(pairs(60, 30, 0.5, 1), pairs(80, 40, 0.5, 2))


def by_hand(side: Pairs) -> np.ndarray:
    images, texts = side.images.astype(float), side.texts.astype(float)
    return (images * texts).sum(1) / np.sqrt((images**2).sum(1) * (texts**2).sum(1))


@pytest.mark.row("C8", "X-08", "X-09")
def test_clip_score_is_the_mean_cosine_beside_control_and_wrong_captions(good: MetricInput) -> None:
    (found,) = evaluate(["clip-score"], good)
    own, real = by_hand(good.synthetic_pairs), by_hand(good.held_out_pairs)
    assert found.value == pytest.approx(own.mean()) and found.control == pytest.approx(real.mean())
    np.testing.assert_allclose(found.per_image, own, atol=1e-12)
    assert f"2.5 × max(cosine, 0): {np.mean(2.5 * np.maximum(own, 0)):.3f} for samples" in found.note
    assert found.low < found.value < found.high and found.control_low < found.control < found.control_high
    assert (found.extractor, found.dimension, found.floor_n) == ("toy-clip", 16, 80)
    images, texts = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in
                     (good.held_out_pairs.images.astype(float), good.held_out_pairs.texts.astype(float)))  # fmt: skip
    wrong = [
        np.mean([images[i] @ texts[j] for j in range(80) if j // 2 != i // 2 and j % 40 != i % 40])
        for i in range(80)
    ]
    assert found.floor == pytest.approx(np.mean(wrong))


def test_own_captions_score_above_shuffled_ones(good: MetricInput) -> None:
    side = good.synthetic_pairs
    rolled = replace(side, texts=np.roll(side.texts, 1, axis=0), captions=np.roll(side.captions, 1))
    wrong = replace(good, synthetic_pairs=rolled)
    (score, recall), (less, fewer) = list(evaluate(NAMES, good)), list(evaluate(NAMES, wrong))
    assert score.value > 0.8 > 0.3 > score.floor and abs(less.value - score.floor) < 0.15
    assert recall.value > 0.9 and fewer.value < 0.4
    assert less.control == score.control and recall.floor == pytest.approx(5 / 30)


@pytest.mark.row("C8")
def test_the_published_alignment_score_rounds_each_pair_to_three_digits(good: MetricInput) -> None:
    """Cosines of fixed vectors by hand: 0.6 and 0.8 exactly, and one that rounding moves."""
    images = np.tile([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], (5, 1))
    texts = np.tile([[3.0, 4.0], [3.0, 4.0], [1.0, 0.0]], (5, 1))
    side = Pairs(images, texts, np.asarray([f"c{row}" for row in range(15)]), "biovil-t")
    (found,) = evaluate(["clip-score"], given(side, good.held_out_pairs))
    assert found.value == pytest.approx((0.6 + 0.8 + np.sqrt(0.5)) / 3, abs=1e-12)
    assert (
        found.published == pytest.approx((0.6 + 0.8 + 0.707) / 3, abs=1e-12)
        and "three digits" in found.published_note
    )
    assert found.extractor == "biovil-t"


@pytest.mark.row("R11")
def test_recall_is_told_at_three_depths_in_both_directions(good: MetricInput) -> None:
    eye = Pairs(np.eye(30), np.eye(30), np.asarray([f"c{row}" for row in range(30)]), "toy")
    (whole,) = evaluate(["retrieval-recall"], given(eye, eye))
    table = whole.details["table"]
    assert [(row["direction"], row["k"]) for row in table] == [
        (way, k) for k in (1, 5, 10) for way in ("image to text", "text to image")
    ]
    assert all(row["samples"] == row["held-out images"] == 1.0 for row in table)
    (noisy,) = evaluate(["retrieval-recall"], given(pairs(60, 30, 1.5, 1), pairs(80, 40, 0.5, 2)))
    by_depth = [row["samples"] for row in noisy.details["table"] if row["direction"] == "text to image"]
    assert (
        by_depth[0] < by_depth[1] < by_depth[2] and noisy.details["table"][2]["shuffled captions"] == 0.1667
    )
    five = [row["samples"] for row in noisy.details["table"] if row["k"] == 5]
    assert np.mean(five) == pytest.approx(noisy.value, abs=1e-4)


@pytest.mark.row("R11")
def test_the_identity_matrix_gives_recall_one_and_a_tie_counts_against() -> None:
    eye = np.eye(30)
    assert all(hits.all() for hits in recall_hits(eye, eye, k=1))
    assert not any(hits.any() for hits in recall_hits(np.ones((30, 30)), np.ones((30, 30)), k=5))
    one_way = recall_hits(np.eye(3), np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0, 0, 1.0]]), k=1)
    assert one_way[0].tolist() == [True, True, True] and one_way[1].tolist() == [True, False, True]
    names = np.asarray([f"c{row}" for row in range(30)])
    side = Pairs(eye, eye, names, "toy")
    (found,) = evaluate(["retrieval-recall"], given(side, side))
    assert found.value == found.control == 1.0 and "30 pairs" in found.note


@pytest.mark.fault(37)
def test_the_order_of_rows_changes_no_number(good: MetricInput) -> None:
    rng = np.random.default_rng(4)
    s, h = rng.permutation(good.n_synthetic), rng.permutation(good.n_held_out)
    moved = replace(
        good, synthetic=good.synthetic[s], synthetic_pairs=good.synthetic_pairs.take(s), held_out=good.held_out[h],
        held_out_patients=good.held_out_patients[h], held_out_pairs=good.held_out_pairs.take(h),
    )  # fmt: skip
    for one, other in zip(evaluate(["clip-score"], good, 3), evaluate(["clip-score"], moved, 3), strict=True):
        for field in NUMBERS:
            assert getattr(other, field) == pytest.approx(getattr(one, field), abs=1e-12), field
        np.testing.assert_allclose(other.per_image, one.per_image[s], atol=1e-12)
    first, second = next(evaluate(NAMES[1:], good, 3)), next(evaluate(NAMES[1:], moved, 3))
    assert abs(first.value - second.value) < 0.1, "another film may stand for a caption, nothing else moves"


def test_samples_without_a_prompt_are_left_out_and_told(good: MetricInput) -> None:
    captions = good.synthetic_pairs.captions.copy()
    captions[:7] = ""
    blank = good.synthetic_pairs.images.copy()
    blank[:7] = 0
    side = replace(good.synthetic_pairs, images=blank, captions=captions)
    (found,) = evaluate(["clip-score"], replace(good, synthetic_pairs=side))
    assert found.value == pytest.approx(by_hand(good.synthetic_pairs)[7:].mean())
    assert "7 samples have no prompt" in found.note
    assert np.isnan(found.per_image[:7]).all() and np.isfinite(found.per_image[7:]).all()


def test_one_prompt_gives_an_interval_that_says_what_it_holds_for(good: MetricInput) -> None:
    one = pairs(40, 1, 0.5, 3)
    score, recall = evaluate(NAMES, given(one, good.held_out_pairs))
    assert "this prompt only" in score.note and score.low is not None
    assert "these" not in next(evaluate(["clip-score"], good)).note
    assert (
        recall.value is None and "20 different prompts" in recall.note and "here are 1 and 40" in recall.note
    )
    few = given(pairs(12, 3, 0.5, 3), good.held_out_pairs)
    assert "No interval" in next(evaluate(["clip-score"], few)).note


def test_equal_captions_everywhere_give_no_floor(good: MetricInput) -> None:
    (found,) = evaluate(["clip-score"], given(good.synthetic_pairs, pairs(40, 1, 0.5, 5)))
    assert found.floor is None and found.control is not None


def test_what_is_missing_is_told_in_one_sentence(good: MetricInput) -> None:
    absent = "Samples and prompts are not compared, because the model is not here; train it."
    for result in evaluate(NAMES, given(None, None, no_pairs=absent)):
        assert result.value is None and result.note.endswith(absent)
    for result in evaluate(NAMES, given(None, None)):
        assert result.value is None and "needs a prompt for each sample" in result.note
    few = replace(good.synthetic_pairs, captions=np.asarray([""] * 52 + ["a"] * 8))
    for result in evaluate(NAMES, given(few, good.held_out_pairs)):
        assert result.value is None and "8 and 80" in result.note
    specs = [get_metric(name).spec for name in NAMES]
    stops = check(specs, InputSizes(100, 60, 80, 4, 30, 40, no_pairs=absent))
    assert {one.metric for one in stops if one.level == "stop"} == set(NAMES)
    with pytest.raises(InputError, match="one value an image"):
        replace(good, synthetic=good.synthetic[:5])
    with pytest.raises(InputError, match="empty or not numbers"):
        replace(good.synthetic_pairs, texts=np.full((60, 16), np.nan))
    with pytest.raises(InputError, match="do not match"):
        replace(good.synthetic_pairs, texts=np.ones((60, 3)))
