"""From features to results: order, blocks, precision, refusals and what each result carries."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lab.errors import InputError, NotFoundError
from lab.metrics import blocks
from lab.metrics.evaluate import evaluate
from lab.metrics.guards import InputSizes, check, sizes_of
from lab.metrics.inputs import MetricInput
from lab.metrics.registry import METRICS, all_specs, get_metric, metric
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

NAMES = [
    "kernel-distance", "frechet-distance", "precision", "density", "recall", "coverage", "near-copy-share",
    "closer-to-training", "label-agreement",
]  # fmt: skip
# Those on captions have a file of their own: tests/lab/test_metrics_captions.py.
ON_CAPTIONS = ["clip-score", "retrieval-recall"]


def toy(n: int = 120, m: int = 90, d: int = 8, seed: int = 0, **changes) -> MetricInput:
    """Two labels told apart by one feature; two films a patient; held-out half as large."""
    rng = np.random.default_rng(seed)
    h = n // 2
    labels = [np.asarray(["effusion", "normal"])[np.arange(count) % 2] for count in (n, m, h)]
    features = [rng.normal(size=(count, d)) for count in (n, m, h)]
    for table, names in zip(features, labels, strict=True):
        table[:, 0] += np.where(names == "effusion", 3.0, -3.0)
    return MetricInput(
        **{
            "real": features[0],
            "real_patients": np.asarray([f"p{row // 2}" for row in range(n)]),
            "synthetic": features[1],
            "held_out": features[2],
            "held_out_patients": np.asarray([f"q{row // 2}" for row in range(h)]),
            "real_labels": labels[0],
            "synthetic_labels": labels[1],
            "held_out_labels": labels[2],
            "near_copy": rng.random(m) < 0.1,
            "control_near_copy": rng.random(h) < 0.02,
            "extractor": "toy",
            **changes,
        }
    )


def values(results: list[MetricResult]) -> dict[str, float | None]:
    return {result.metric: result.value for result in results}


def shuffled(given: MetricInput, seed: int) -> MetricInput:
    rng = np.random.default_rng(seed)
    r, s, h = (rng.permutation(count) for count in (given.n_real, given.n_synthetic, given.n_held_out))
    return replace(
        given, real=given.real[r], real_patients=given.real_patients[r], real_labels=given.real_labels[r],
        synthetic=given.synthetic[s], synthetic_labels=given.synthetic_labels[s], near_copy=given.near_copy[s],
        held_out=given.held_out[h], held_out_patients=given.held_out_patients[h],
        held_out_labels=given.held_out_labels[h], control_near_copy=given.control_near_copy[h],
    )  # fmt: skip


@pytest.mark.row("X-11")
def test_every_spec_says_everything_about_its_metric() -> None:
    specs = all_specs()
    assert {*NAMES, *ON_CAPTIONS} <= {spec.name for spec in specs}
    for spec in specs:
        for field, value in spec.to_json().items():
            assert field in ("null_line", "options", "wants") or value not in ("", None, []), (
                f"{spec.name}.{field}"
            )
        assert spec.null_line is not None or "line" in spec.null or "floor" in spec.null
        json.dumps(spec.to_json(), allow_nan=False)


def test_an_empty_field_a_duplicate_and_an_unknown_name_are_refused() -> None:
    spec = get_metric("precision").spec
    with pytest.raises(ValueError, match="says nothing about its bias"):
        replace(spec, bias=" ")
    with pytest.raises(ValueError, match="already registered"):
        metric(spec)
    with pytest.raises(NotFoundError, match="kernel-distance"):
        next(evaluate(["no-such-metric"], toy()))
    assert isinstance(METRICS.get("precision").spec, MetricSpec)


def test_reading_specs_and_checking_sizes_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from lab.metrics.registry import all_specs\nfrom lab.metrics.guards import InputSizes, check\n"
        "check(all_specs(), InputSizes(300, 40, 100, 1280, 100, 50))\nimport lab.metrics.evaluate\n"
        "print([n for n in ('torch', 'sklearn', 'scipy', 'pandas', 'plotly', 'streamlit') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.row("X-09")
def test_a_result_carries_counts_provenance_control_and_floor_as_json() -> None:
    results = list(evaluate(NAMES, toy(), seed=7))
    assert [result.metric for result in results] == NAMES
    for result in results:
        record = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert (record["n_real"], record["n_synthetic"], record["n_held_out"]) == (120, 90, 60)
        assert (record["extractor"], record["split"], record["group"], record["seed"]) == (
            "toy",
            "train",
            "all",
            7,
        )
        assert "per_image" not in record
        for number in ("value", "low", "high", "control", "control_low", "control_high", "floor"):
            assert isinstance(record[number], float), f"{result.metric}.{number}"
        assert MetricResult.from_json({**record, "later": 1}) == replace(result, per_image=None)


def test_results_come_one_by_one_before_the_next_is_computed() -> None:
    stream = evaluate(NAMES, toy())
    assert next(stream).metric == "kernel-distance"
    stream.close()


@pytest.mark.fault(37)
def test_shuffled_rows_give_the_same_numbers_and_per_image_scores() -> None:
    given = toy()
    first, second = list(evaluate(NAMES, given, 3)), list(evaluate(NAMES, shuffled(given, 1), 3))
    order = np.random.default_rng(1)
    order.permutation(given.n_real)
    rows = order.permutation(given.n_synthetic)
    for one, other in zip(first, second, strict=True):
        for field in ("value", "low", "high", "control", "control_low", "control_high", "floor"):
            wanted = pytest.approx(getattr(one, field), rel=1e-9, abs=1e-9)
            assert getattr(other, field) == wanted, f"{one.metric}.{field}"
        if one.per_image is not None:
            assert np.array_equal(one.per_image[rows], other.per_image)


@pytest.mark.fault(37)
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_block_size_does_not_change_a_number(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = toy(100, 50)
    whole = list(evaluate(NAMES, given))
    monkeypatch.setattr(blocks, "BLOCK_VALUES", rows * 100)
    for one, other in zip(whole, list(evaluate(NAMES, given)), strict=True):
        assert other.value == pytest.approx(one.value, rel=1e-9, abs=1e-12)
        assert other.low == pytest.approx(one.low, rel=1e-7, abs=1e-9)


@pytest.mark.fault(37)
def test_threaded_and_plain_products_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    given = toy(60, 50)
    plain = list(evaluate(NAMES, given))
    monkeypatch.setattr(blocks, "_WORTH_TORCH", 1)
    for one, other in zip(plain, list(evaluate(NAMES, given)), strict=True):
        assert other.value == pytest.approx(one.value, rel=1e-9, abs=1e-12)


@pytest.mark.fault(37)
@pytest.mark.parametrize(("kind", "tolerance"), [(np.float32, 1e-4), (np.float16, 2e-2)])
def test_lower_precision_features_change_little(kind: type, tolerance: float) -> None:
    given = toy()
    rounded = replace(
        given, real=given.real.astype(kind), synthetic=given.synthetic.astype(kind),
        held_out=given.held_out.astype(kind),
    )  # fmt: skip
    for one, other in zip(evaluate(NAMES, given), evaluate(NAMES, rounded), strict=True):
        assert other.value == pytest.approx(one.value, rel=tolerance, abs=tolerance), one.metric


@pytest.mark.fault(31)
@pytest.mark.parametrize("m", [0, 1, 2, 9])
def test_too_few_samples_are_explained_not_computed(m: int) -> None:
    given = toy(120, 90)
    small = replace(
        given, synthetic=given.synthetic[:m], synthetic_labels=given.synthetic_labels[:m],
        near_copy=given.near_copy[:m],
    )  # fmt: skip
    for result in evaluate(NAMES, small):
        if m == 9 and result.metric == "near-copy-share":
            continue
        assert result.value is None and result.low is None
        assert str(m) in result.note and "needs" in result.note
        assert result.n_synthetic == m and result.dimension == 8
        json.dumps(result.to_json(), allow_nan=False)


@pytest.mark.fault(31)
def test_a_wide_feature_vector_gives_a_labelled_distance_on_components() -> None:
    result = next(evaluate(["frechet-distance"], toy(120, 90, d=64)))
    assert result.title == "FD, 6 components" and result.dimension == 6
    assert "60 images cannot determine 64 features" in result.note
    assert next(evaluate(["frechet-distance"], toy(120, 90, d=8))).title == "Fréchet distance"
    notes = check([get_metric("frechet-distance").spec], InputSizes(300, 100, 100, 1280))
    assert any("principal" in finding.sentence for finding in notes)


@pytest.mark.fault(32)
def test_a_copied_set_is_flagged_whole() -> None:
    given = toy(60, 60)
    copied = replace(
        given, synthetic=given.real.copy(), synthetic_labels=given.real_labels, near_copy=np.ones(60, dtype=bool),
        held_out=toy(120, 60, seed=5).held_out, held_out_patients=np.asarray([f"q{row // 2}" for row in range(60)]),
        held_out_labels=given.real_labels, control_near_copy=np.zeros(60, dtype=bool),
    )  # fmt: skip
    found = values(list(evaluate(NAMES, copied)))
    assert found["frechet-distance"] == pytest.approx(0.0, abs=1e-6)
    assert found["precision"] == found["recall"] == found["coverage"] == 1.0
    assert found["near-copy-share"] == found["closer-to-training"] == 1.0


@pytest.mark.fault(33)
def test_rows_that_are_not_numbers_are_named() -> None:
    given = toy()
    given.synthetic[[3, 41], 2] = [np.nan, np.inf]
    with pytest.raises(InputError, match=r"synthetic features are not numbers in 2 rows \(3, 41\)"):
        next(evaluate(NAMES, given))


@pytest.mark.fault(33)
def test_constant_features_and_duplicate_rows_are_said_and_never_give_nan() -> None:
    given = toy()
    given.synthetic[:, 3] = 1.0
    given.synthetic[10] = given.synthetic[11]
    for result in evaluate(NAMES, given):
        assert "1 of 8 features are constant over the synthetic images" in result.note
        assert "repeat the features" in result.note
        assert result.value is not None and np.isfinite(result.value)
    blank = replace(given, synthetic=np.zeros_like(given.synthetic))
    for result in evaluate(NAMES, blank):
        assert "one image repeated, or blank" in result.note
        assert result.value is not None and np.isfinite(result.value)


@pytest.mark.fault(34)
def test_shared_patients_and_shared_files_are_blocked_with_their_rows() -> None:
    given = toy()
    both = given.held_out_patients.copy()
    both[0] = given.real_patients[4]
    with pytest.raises(
        InputError, match=r"1 patients are in training and held-out at once \(training rows 4, 5\)"
    ):
        next(evaluate(NAMES, replace(given, held_out_patients=both)))
    real, synthetic = tuple(f"r{n}" for n in range(120)), tuple(f"s{n}" for n in range(88)) + ("r7", "r9")
    with pytest.raises(InputError, match=r"2 synthetic images are training files.*rows 88, 89"):
        next(evaluate(NAMES, replace(given, real_digests=real, synthetic_digests=synthetic)))


@pytest.mark.fault(34)
def test_features_of_two_extractors_are_refused() -> None:
    with pytest.raises(InputError, match="one extractor"):
        next(evaluate(NAMES, replace(toy(), synthetic=np.zeros((90, 5)))))
    with pytest.raises(InputError, match="one value an image"):
        replace(toy(), real_labels=np.asarray(["a"]))


@pytest.mark.row("X-03", "X-08")
def test_sizes_alone_say_what_will_not_work_before_launch() -> None:
    specs = [get_metric(name).spec for name in NAMES + ON_CAPTIONS]
    findings = check(specs, InputSizes(100, 4, 0, 1280, 20, 0, has_labels=False, has_verdicts=False))
    stopped = {finding.metric for finding in findings if finding.level == "stop"}
    assert stopped == set(NAMES + ON_CAPTIONS)
    assert [finding.level for finding in findings] == sorted(
        (finding.level for finding in findings), key=("stop", "warn", "note").index
    )
    alone = check([get_metric("kernel-distance").spec], InputSizes(1000, 1000, 500, 64, 400, 200))
    assert any("privacy" in finding.sentence for finding in alone)
    alone = check([get_metric("closer-to-training").spec], InputSizes(1000, 1000, 500, 64, 400, 200))
    assert any("fidelity" in finding.sentence for finding in alone)
    assert not [f for f in check(specs, sizes_of(toy())) if f.level == "stop"]


def test_without_held_out_films_privacy_is_refused_and_fidelity_gets_a_floor_from_halves() -> None:
    given = replace(
        toy(), held_out=None, held_out_patients=None, held_out_labels=None, control_near_copy=None
    )
    found = {result.metric: result for result in evaluate(NAMES, given)}
    for name in ("near-copy-share", "closer-to-training", "label-agreement"):
        assert found[name].value is None and "held-out" in found[name].note
    kernel = found["kernel-distance"]
    assert kernel.control is None and kernel.floor is not None and "two halves" in kernel.note


def test_few_patients_give_a_number_without_an_interval() -> None:
    given = replace(toy(), real_patients=np.asarray([f"p{row % 12}" for row in range(120)]))
    found = {result.metric: result for result in evaluate(NAMES[:6], given)}
    # Precision is a share of the samples, which are many, beside training images as they are.
    precision = found.pop("precision")
    assert precision.low is not None and precision.low < precision.value < precision.high
    for result in found.values():
        assert result.value is not None and result.low is None and result.high is None
        assert "fewer than 20 patients" in result.note


def test_label_agreement_falls_when_labels_are_wrong() -> None:
    given = toy()
    right = next(evaluate(["label-agreement"], given))
    assert right.value > 0.95 and right.control > 0.95
    wrong = np.where(given.synthetic_labels == "normal", "effusion", "normal")
    assert next(evaluate(["label-agreement"], replace(given, synthetic_labels=wrong))).value < 0.05
    half = given.synthetic_labels.copy()
    half[::4] = "effusion"
    half[1::4] = "effusion"
    assert 0.6 < next(evaluate(["label-agreement"], replace(given, synthetic_labels=half))).value < 0.9


def test_near_copies_are_listed_beside_the_training_images_they_repeat() -> None:
    """An auditor who opens the share sees the pairs, by the rows of the person who asked; groups keep their own."""
    given = toy(120, 90)
    flags = np.zeros(given.n_synthetic, dtype=bool)
    flags[[3, 7, 11]] = True
    of = np.full(given.n_synthetic, 5, dtype=np.int64)
    of[[3, 7, 11]] = 17, 40, -1
    marked = replace(given, near_copy=flags, near_copy_of=of)
    listed = next(evaluate(["near-copy-share"], marked)).details["flagged"]
    assert listed == [{"sample": 3, "training": 17}, {"sample": 7, "training": 40}]
    part = marked.take(np.arange(30, 60), np.arange(5, 20), np.arange(20), "label: x")
    assert part.near_copy_of is not None and part.near_copy_of[2] == 10, (
        "row 40 is the eleventh of those kept"
    )
    assert set(part.near_copy_of) == {10, -1}, "what is not in the group has no row there"
    with pytest.raises(InputError):
        replace(given, near_copy_of=of[:3])


def test_near_copy_share_is_the_share_of_flags_beside_its_control() -> None:
    given = toy()
    result = next(evaluate(["near-copy-share"], given))
    assert result.value == pytest.approx(given.near_copy.mean())
    assert result.control == pytest.approx(given.control_near_copy.mean())
    assert np.array_equal(result.per_image, given.near_copy.astype(float))
