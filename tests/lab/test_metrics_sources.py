"""Samples beside the image of their prompt: re-identification, pixel and latent distance on toy sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.metrics.benchmark_table import COLUMNS, rows_for_csv
from lab.metrics.evaluate import evaluate
from lab.metrics.identity import Identity
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.pictures import pictures_of
from lab.metrics.privacy.pixel_distance import true_distance, wrapped_distance
from lab.metrics.privacy.re_identification import count_above
from lab.metrics.result import MetricResult

NAMES = ["re-identification", "pixel-distance", "latent-distance"]
PATIENTS, FILMS, PROMPTS, SEEDS, D = 30, 2, 25, 3, 16


def people(count: int, films: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Feature rows that lie together for one patient, and the patients' names."""
    centres = np.repeat(rng.uniform(size=(count, D)), films, axis=0)
    return centres + 0.02 * rng.normal(size=centres.shape), np.repeat(np.arange(count), films).astype(str)


def picture(row: np.ndarray) -> np.ndarray:
    return np.clip(row.reshape(4, 4) * 255, 0, 255).astype(np.uint8)


def toy(kind: str, captioned: int = PROMPTS * SEEDS) -> MetricInput:
    """Samples that are "fresh" people, "copies" of their source, "same" patient's other film, or "collapsed"."""
    rng = np.random.default_rng(0)
    real, patients = people(PATIENTS, FILMS, rng)
    held_out, others = people(PATIENTS, FILMS, rng)
    sources = np.repeat(np.arange(PROMPTS) * FILMS, SEEDS)
    fresh, _ = people(PROMPTS * SEEDS, 1, rng)
    made = {
        "fresh": fresh, "copies": real[sources], "same": real[sources + 1],
        "collapsed": np.repeat(fresh[:1], len(sources), axis=0),
    }[kind]  # fmt: skip
    sources = np.where(np.arange(len(sources)) < captioned, sources, -1)
    told = {"auc": 0.97, "low": 0.95, "high": 0.98, "equal_error": 0.1, "threshold": 0.5, "patients": 40}
    return MetricInput(
        real=real, real_patients=patients, synthetic=made, held_out=held_out,
        held_out_patients=np.char.add("h", others), synthetic_sources=sources,
        spaces={"re-id": Space(real, made, held_out, "identity-toy-patient")},
        identity=Identity(np.full(D, -8.0), 4.0, "Re-ID network of toy", told),
        real_pictures=pictures_of([picture(row) for row in real]),
        synthetic_pictures=pictures_of([picture(row) for row in made]),
        held_out_pictures=pictures_of([picture(row) for row in held_out]),
    )  # fmt: skip


def measured(given: MetricInput, seed: int = 0) -> dict[str, MetricResult]:
    return {result.metric: result for result in evaluate(NAMES, given, seed)}


def test_copies_score_high_near_and_fresh_samples_like_the_held_out_line() -> None:
    by_kind = {kind: measured(toy(kind)) for kind in ("fresh", "copies", "same", "collapsed")}
    for name, up in zip(NAMES, (1, -1, -1), strict=True):
        fresh, copies, same, flat = (by_kind[kind][name] for kind in ("fresh", "copies", "same", "collapsed"))
        assert up * copies.value > up * same.value > up * fresh.value
        assert up * same.value > up * flat.value  # one picture again and again is nobody's copy
        # the control stays what it was, whatever the samples are, and honest samples lie on it
        assert copies.control == fresh.control == same.control
        assert abs(fresh.value - fresh.control) < 0.25 * abs(copies.value - copies.control)
        # real pairs of one patient are the other end, where a patient's other film lies
        assert same.floor == pytest.approx(same.value, rel=0.2)
        assert fresh.low < fresh.value < fresh.high and fresh.control_low < fresh.control < fresh.control_high
    assert by_kind["copies"]["pixel-distance"].value == by_kind["copies"]["latent-distance"].value == 0.0
    assert by_kind["copies"]["re-identification"].value == pytest.approx(1 / (1 + np.exp(-4.0)))


@pytest.mark.row("C12")
def test_the_count_above_delta_changes_without_computing_anything_again() -> None:
    result = measured(toy("same"))["re-identification"]
    maxima, details = result.details["per_prompt"]["max"], result.details
    assert len(maxima) == details["prompts"] == PROMPTS
    by_hand = {delta: sum(value > delta for value in maxima) for delta in (0.0, 0.5, 0.9, 0.95, 1.0)}
    assert {delta: count_above(maxima, delta) for delta in by_hand} == by_hand
    assert by_hand[0.0] == PROMPTS and by_hand[1.0] == 0 and len(set(by_hand.values())) > 2
    # a run asked for another delta says the same number as the slider
    moved = measured(replace(toy("same"), options={"re-identification.delta": 0.95}))["re-identification"]
    assert (details["delta"], details["above"]) == (0.5, by_hand[0.5])
    assert (moved.details["delta"], moved.details["above"]) == (0.95, by_hand[0.95])
    assert moved.details["per_prompt"] == details["per_prompt"]
    assert "not in the published code" in details["delta_note"]


@pytest.mark.row("C12")
def test_mean_and_extremes_are_those_of_each_prompts_seeds() -> None:
    given = toy("same")
    results = measured(given)
    score = 1 / (
        1 + np.exp(-(4.0 - 8.0 * np.abs(given.synthetic - given.real[given.synthetic_sources]).sum(1)))
    )
    score = score.reshape(PROMPTS, SEEDS)
    apart = (
        np.linalg.norm(given.synthetic - given.real[given.synthetic_sources], axis=1).reshape(PROMPTS, SEEDS)
        / 4
    )
    re_id, latent = results["re-identification"], results["latent-distance"]
    assert re_id.value == pytest.approx(score.mean(), abs=1e-12)
    assert re_id.details["mean_of_max"] == pytest.approx(score.max(axis=1).mean())
    assert re_id.details["overall_max"] == pytest.approx(score.max())
    np.testing.assert_allclose(re_id.details["per_prompt"]["max"], score.max(axis=1), atol=5e-5)
    np.testing.assert_allclose(re_id.per_image, score.reshape(-1))
    assert latent.value == pytest.approx(apart.mean()) and latent.details["overall_min"] == pytest.approx(
        apart.min()
    )
    best = re_id.details["flagged"][0]
    assert score.reshape(-1)[best["sample"]] == score.max()
    assert given.synthetic_sources[best["sample"]] == best["training"]
    assert "AUC of 0.97 (0.95 to 0.98) over 40 patients" in re_id.note
    assert re_id.details["verification"]["auc"] == 0.97
    assert (
        re_id.details["exact_copy"] == pytest.approx(1 / (1 + np.exp(-4.0)), abs=1e-4)
        and "copy scores 0.98" in re_id.note
    )


def test_shuffled_rows_give_the_same_numbers() -> None:
    given = toy("same")
    rng = np.random.default_rng(1)
    real, made, control = (rng.permutation(n) for n in (given.n_real, given.n_synthetic, given.n_held_out))
    shuffled = given.take(real, made, control, "all")
    for name, result in measured(given).items():
        other = measured(shuffled)[name]
        for field in ("value", "control", "floor", "low", "high", "control_low"):
            assert getattr(other, field) == pytest.approx(getattr(result, field), abs=1e-12), (name, field)
        np.testing.assert_allclose(other.per_image, result.per_image[made])


def test_samples_without_a_source_are_left_out_and_said_so() -> None:
    half = measured(toy("same", captioned=30))
    for result in half.values():
        assert result.details["prompts"] == 10 and result.per_image is None
        assert "45 of the 75 samples belong to no training image" in result.note
        assert "No interval" in result.note and result.low is None
    none = measured(toy("same", captioned=0))
    assert all(
        result.value is None and "No sample belongs to a training image" in result.note
        for result in none.values()
    )


def test_without_a_network_the_score_says_why() -> None:
    bare = replace(toy("same"), identity=None, spaces={}, absent={"re-id": "There is no Re-ID network here."})
    result = measured(bare)["re-identification"]
    assert result.value is None and "no Re-ID network" in result.note


@pytest.mark.row("C7")
def test_the_published_pixel_distance_wraps_and_stands_beside_the_true_one() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.clip(rng.normal(mean, 50, (64, 64)), 0, 255).astype(np.uint8) for mean in (110, 140))
    true = np.sqrt(np.mean((first.astype(int) - second.astype(int)) ** 2))
    wrapped = np.sqrt(np.mean(((first.astype(int) - second.astype(int)) % 256) ** 2.0))
    assert true_distance(first, second) == pytest.approx(true) and 60 < true < 80
    assert wrapped_distance(first, second) == pytest.approx(wrapped) and 140 < wrapped < 175
    # two patterns of random bytes: the wrapped distance is that of one of them, 147, whatever the other is
    noise = rng.integers(0, 256, (2, 256, 256)).astype(np.uint8)
    assert wrapped_distance(*noise) == pytest.approx(np.sqrt(np.mean(np.arange(256.0) ** 2)), rel=0.01)
    # a pair as the one measured when the trap was found: 70.6 grey levels apart, 155.6 when differences wrap
    steps = np.where(np.arange(10_000) % 5 < 3, 71, 70)  # 70.6 on average
    below = np.arange(10_000) < 6_540
    trap = np.full(10_000, 120, np.uint8)
    other = (120 + np.where(below, steps, -steps)).astype(np.uint8)
    assert true_distance(trap, other) == pytest.approx(70.6, abs=0.05)
    assert wrapped_distance(trap, other) == pytest.approx(155.6, abs=0.3)
    one, two = np.full((4, 4), 70, np.uint8), np.full((4, 4), 90, np.uint8)
    assert (true_distance(one, two), wrapped_distance(one, two), wrapped_distance(two, one)) == (20, 236, 20)

    result = measured(toy("fresh"))["pixel-distance"]
    assert (
        result.published != pytest.approx(result.value, rel=0.05)
        and "wrap modulo 256" in result.published_note
    )
    given = toy("fresh")
    pairs = [
        wrapped_distance(given.synthetic_pictures[row], given.real_pictures[int(source)])
        for row, source in enumerate(given.synthetic_sources)
    ]
    assert result.published == pytest.approx(np.mean(pairs))


def test_pixels_of_another_size_colour_and_depth_are_brought_to_the_samples() -> None:
    grey = np.full((8, 8), 100, np.uint8)
    given = toy("fresh")
    deep = np.full((16, 12), 100 * 257, np.uint16)
    real = pictures_of([deep] * given.n_real)
    made = pictures_of([np.repeat(grey[..., None], 3, axis=2)] * given.n_synthetic)
    result = measured(replace(given, real_pictures=real, synthetic_pictures=made))["pixel-distance"]
    assert result.value == 0.0


def test_the_table_has_the_published_columns_and_no_text_unless_asked() -> None:
    given = toy("same")
    results = measured(given)
    details = {name: result.details for name, result in results.items()}
    ids = [f"{row:016x}" for row in range(given.n_real)]
    rows = rows_for_csv(details, ids)
    assert len(rows) == PROMPTS and tuple(rows[0]) == COLUMNS
    assert rows[3]["Real Path"] == ids[6] and all(row["Prompt"] == "" for row in rows)
    assert np.mean([row["Mean_reid_scores"] for row in rows]) == pytest.approx(
        results["re-identification"].value, abs=1e-4
    )
    assert np.mean([row["Mean_pixel_distance"] for row in rows]) == pytest.approx(
        results["pixel-distance"].value, abs=1e-3
    )
    published = rows_for_csv(details, ids, [f"caption {row}" for row in range(given.n_real)], published=True)
    assert published[3]["Prompt"] == "caption 6"
    assert np.mean([row["Mean_pixel_distance"] for row in published]) == pytest.approx(
        results["pixel-distance"].published, abs=1e-3
    )
    only = rows_for_csv({"latent-distance": details["latent-distance"]}, ids)
    assert only[0]["Mean_reid_scores"] is None and only[0]["Min_latent_distance"] is not None
