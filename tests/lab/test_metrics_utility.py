"""Utility by linear probes: against scikit-learn, in the right direction, tested on real labels only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.registry import get_metric
from lab.metrics.result import MetricResult
from lab.metrics.utility.calibration import brier, calibration_error
from lab.metrics.utility.discrimination import Reading, gain_interval
from lab.metrics.utility.probe import fit_probe, out_of_fold

UTILITY = ["utility-tstr", "utility-trts", "utility-augmentation", "utility-cross-task"]
NAMES = [*UTILITY, "real-vs-fake-auc", "finding-auroc"]
D = 12


def films(n: int, seed: int, noise: float = 1.0, flipped: bool = False) -> tuple[np.ndarray, ...]:
    """Features, first labels and second labels: the second task shares an axis with the first."""
    rng = np.random.default_rng(seed)
    ill = rng.random(n) < 0.5
    old = rng.random(n) < 0.5
    features = noise * rng.normal(size=(n, D))
    features[:, 0] += 1.2 * ill + 0.7 * old
    features[:, 1] += 1.2 * ill
    told = ~ill if flipped else ill
    return features, np.where(told, "effusion", "normal"), np.where(old, "old", "young")


def given(samples: tuple[np.ndarray, ...], real_n: int = 40, **changes) -> MetricInput:
    real, held_out = films(real_n, 1), films(120, 2)
    return MetricInput(
        **{
            "real": real[0], "real_labels": real[1], "real_patients": np.asarray([f"p{n // 2}" for n in range(real_n)]),
            "synthetic": samples[0], "synthetic_labels": samples[1],
            "held_out": held_out[0], "held_out_labels": held_out[1],
            "held_out_patients": np.asarray([f"q{n // 2}" for n in range(120)]),
            "task_labels": {"real": real[2], "held_out": held_out[2]}, "extractor": "toy", **changes,
        }
    )  # fmt: skip


def measured(samples: tuple[np.ndarray, ...], names: list[str] = NAMES, **changes) -> dict[str, MetricResult]:
    return {found.metric: found for found in evaluate(names, given(samples, **changes))}


@pytest.fixture(scope="module")
def good() -> dict[str, MetricResult]:
    return measured(films(200, 3))


def test_the_probe_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss

    rng = np.random.default_rng(0)
    features, positive = rng.normal(size=(80, 30)), rng.random((80, 3)) < 0.4
    probe = fit_probe(features, positive)
    scaled = (features - probe.mean) / probe.scale
    for at in range(3):
        theirs = LogisticRegression(C=0.1, tol=1e-9, max_iter=5000).fit(scaled, positive[:, at])
        np.testing.assert_allclose(
            probe.weights[:, at], theirs.coef_[0], atol=1e-3 * np.abs(theirs.coef_).max()
        )
        assert probe.intercepts[at] == pytest.approx(theirs.intercept_[0], abs=1e-3)
    told = rng.random(200)
    known = rng.random(200) < told
    assert brier(told[:, None], known[:, None]) == pytest.approx(brier_score_loss(known, told))


def test_a_draw_of_patients_counts_each_image_as_often_as_its_patient() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(4)
    scores, truth = rng.normal(size=60), rng.random(60) < 0.5
    patients = np.asarray([f"p{n // 2:02d}" for n in range(60)])
    reading = Reading(scores[:, None], truth[:, None], patients)
    drawn = reading.drawn(np.random.default_rng(7))
    counts = np.random.default_rng(7).multinomial(30, np.full(30, 1 / 30), size=2000)
    for row in range(5):
        weights = counts[row][np.arange(60) // 2]
        assert drawn[row, 0] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights), abs=1e-6)
    assert gain_interval(reading, reading, 3) == (0.0, 0.0), "the same patients on both sides"


def test_the_interval_holds_the_truth_in_about_95_of_100_repeats() -> None:
    """Two normal clouds one standard deviation apart: the area is Phi(1 / sqrt 2)."""
    from scipy.stats import norm

    truth, hits = norm.cdf(1 / np.sqrt(2)), 0
    rng = np.random.default_rng(0)
    patients = np.arange(100).astype(str)
    for _ in range(100):
        ill = rng.random(100) < 0.5
        reading = Reading((rng.normal(size=100) + ill)[:, None], ill[:, None], patients)
        low, high = reading.interval(rng)
        hits += low <= truth <= high
    assert 88 <= hits <= 99


def test_no_patient_helps_to_read_itself() -> None:
    """Labels are random but equal for both films of a patient: a fold that split patients would know them."""
    rng = np.random.default_rng(1)
    person = rng.normal(size=(60, 8))
    features = np.repeat(person, 2, axis=0) + 0.01 * rng.normal(size=(120, 8))
    truth = np.repeat(rng.random(60) < 0.5, 2)[:, None]
    patients = np.repeat(np.arange(60), 2).astype(str)
    scores = out_of_fold(features, truth, patients, 5, 0)
    assert abs(Reading(scores, truth, patients).macro - 0.5) < 0.15


@pytest.mark.fault(32)
def test_good_samples_teach_and_wrong_ones_mislead(good: dict[str, MetricResult]) -> None:
    wrong = measured(films(200, 3, flipped=True))
    noise = measured((np.random.default_rng(5).normal(size=(200, D)), films(200, 3)[1]))
    assert good["utility-tstr"].value > 0.8 > 0.65 > noise["utility-tstr"].value > wrong["utility-tstr"].value
    assert good["utility-augmentation"].value > 0.0 > wrong["utility-augmentation"].value
    assert good["utility-trts"].value > 0.7 > noise["utility-trts"].value > 0.35 > wrong["utility-trts"].value
    assert good["utility-trts"].value == good["finding-auroc"].value
    assert good["utility-cross-task"].value > wrong["utility-cross-task"].value


@pytest.mark.fault(32)
def test_the_detector_guesses_on_honest_samples_and_knows_far_ones() -> None:
    name = "real-vs-fake-auc"
    found = measured(films(200, 3), [name], real_n=300)[name]
    assert abs(found.value - 0.5) < 0.08 and abs(found.control - 0.5) < 0.08 and abs(found.floor - 0.5) < 0.08
    moved = films(200, 3)
    assert measured((moved[0] + 2.0, moved[1]), [name])[name].value > 0.95
    collapsed = np.repeat(moved[0][:1], 200, axis=0) + 1e-3 * np.random.default_rng(0).normal(size=(200, D))
    assert measured((collapsed, moved[1]), [name])[name].value > 0.7
    wide = np.random.default_rng(3).normal(size=(200, D)) * np.r_[3.0, np.ones(D - 1)] + moved[0].mean(axis=0)
    assert measured((wide, moved[1]), [name])[name].value > 0.6, "the same means, another spread"
    real = films(40, 1)
    assert measured((real[0].copy(), real[1]), [name])[name].value < 0.5, (
        "copies: the original has the other name"
    )


@pytest.mark.row("XI-07", "X-10")
def test_two_tasks_give_two_gains_with_paired_intervals(good: dict[str, MetricResult]) -> None:
    found = good["utility-cross-task"]
    bars = found.details["bars"]
    assert bars["Second task (cross-task)"] == found.value != bars["First task (intra-task)"]
    intra = good["utility-augmentation"]
    assert bars["First task (intra-task)"] == pytest.approx(intra.value, abs=1e-12)
    assert found.details["intra_task"]["low"] < intra.value < found.details["intra_task"]["high"]
    for one in (found, intra):
        assert one.low <= one.value <= one.high and one.control_low <= one.control <= one.control_high
        assert one.floor is not None and abs(one.floor) < 0.05, "training images again teach next to nothing"
    assert [row["finding"] for row in found.details["table"]] == ["old", "young"]


def test_every_utility_number_has_interval_control_and_floor(good: dict[str, MetricResult]) -> None:
    for name in NAMES:
        one = good[name]
        assert one.low <= one.value <= one.high, name
        assert one.control_low <= one.control <= one.control_high and one.floor is not None and one.floor_n, (
            name
        )
    curve = good["utility-augmentation"].details["curve"]
    assert curve["x"] == [0, 50, 100, 200] and curve["y"][-1] - curve["y"][0] == pytest.approx(
        good["utility-augmentation"].value
    )
    assert 0 < good["utility-tstr"].details["brier"] < 0.25
    assert 0 <= good["utility-tstr"].details["calibration_error"] < 0.3


def test_calibration_error_knows_honest_probabilities() -> None:
    rng = np.random.default_rng(0)
    told = rng.random((20_000, 1))
    honest = rng.random((20_000, 1)) < told
    assert calibration_error(told, honest) < 0.02
    assert calibration_error(np.ones((10, 1)), np.zeros((10, 1), bool)) == 1.0


def test_labels_of_samples_are_never_the_test_of_a_gain() -> None:
    """Samples that all lie: their own labels say the probe is right, the real ones that it is wrong."""
    lying = films(300, 6, noise=0.2, flipped=True)
    found = measured(lying, ["utility-tstr"])["utility-tstr"]
    assert found.value < 0.3 and "120" not in found.note


@pytest.mark.fault(37)
def test_the_order_of_rows_changes_no_utility() -> None:
    samples = films(100, 3)
    first = given(samples)
    rng = np.random.default_rng(9)
    r, s, h = (rng.permutation(n) for n in (40, 100, 120))
    moved = replace(first.take(r, s, h, "all"), task_labels={"real": first.task_labels["real"][r],
                                                             "held_out": first.task_labels["held_out"][h]})  # fmt: skip
    for one, other in zip(evaluate(NAMES, first, 3), evaluate(NAMES, moved, 3), strict=True):
        assert other.value == pytest.approx(one.value, abs=2e-3), one.metric
        if one.per_image is not None:
            np.testing.assert_allclose(other.per_image, one.per_image[s], atol=1e-3)


@pytest.mark.row("R10")
def test_auroc_by_finding_reads_several_findings_an_image() -> None:
    rng = np.random.default_rng(3)

    def several(n: int) -> tuple[np.ndarray, np.ndarray]:
        has = rng.random((n, 3)) < 0.4
        features = rng.normal(size=(n, D))
        features[:, :3] += 3.0 * has
        words = ["|".join(np.asarray(["edema", "effusion", "nodule"])[row]) for row in has]
        return features, np.asarray([word or "no finding" for word in words])

    real, held_out, samples = several(120), several(90), several(80)
    blind = samples[0].copy()
    blind[:, 2] = rng.normal(size=80)
    told = {"real_findings": real[1], "held_out_findings": held_out[1], "synthetic_findings": samples[1]}
    changes = {
        "real": real[0], "real_labels": None, "real_patients": np.asarray([f"p{n}" for n in range(120)]),
        "held_out": held_out[0], "held_out_labels": None, "task_labels": {},
        "held_out_patients": np.asarray([f"q{n}" for n in range(90)]), "synthetic_labels": None, **told,
    }  # fmt: skip
    names = ["finding-auroc"]
    changes["real_labels"], changes["synthetic_labels"] = real[1], samples[1]
    right = measured((samples[0], samples[1]), names, **changes)["finding-auroc"]
    wrong = measured((blind, samples[1]), names, **changes)["finding-auroc"]
    by_name = {row["finding"]: row for row in right.details["table"]}
    assert set(by_name) == {"edema", "effusion", "nodule", "no finding"}
    assert all(by_name[name]["AUROC"] > 0.9 for name in ("edema", "effusion", "nodule"))
    assert right.value == pytest.approx(np.mean([row["AUROC"] for row in by_name.values()]), abs=1e-4)
    lost = {row["finding"]: row for row in wrong.details["table"]}
    assert lost["nodule"]["AUROC"] < 0.7 < by_name["nodule"]["low"] and lost["effusion"]["AUROC"] > 0.9
    assert by_name["effusion"]["low"] <= by_name["effusion"]["AUROC"] <= by_name["effusion"]["high"]
    assert by_name["effusion"]["held-out AUROC"] > 0.9 and len(right.per_image) == 80
    asked = np.asarray(["nodule" in text for text in samples[1]])
    assert np.nanmean(right.per_image[asked]) > np.nanmean(wrong.per_image[asked])


def test_what_is_missing_is_said_in_one_sentence() -> None:
    samples = films(60, 3)
    found = measured(samples, ["utility-cross-task"], task_labels={})["utility-cross-task"]
    assert found.value is None and "choose a column" in found.note
    alike = measured((samples[0], np.full(60, "normal")), ["utility-tstr"])["utility-tstr"]
    assert alike.value is None and "5 images have and 5 have not" in alike.note
    unlabelled = measured(samples, ["utility-tstr"], held_out_labels=None)["utility-tstr"]
    assert unlabelled.value is None and "labels of the held-out images" in unlabelled.note
    assert get_metric("utility-tstr").spec.title.endswith("(linear probe)")
