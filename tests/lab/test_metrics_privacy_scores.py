"""Privacy metrics on features: exact neighbours, what moves them, what does not, and what they list."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lab.leakage.roc import roc_of
from lab.metrics import blocks
from lab.metrics.comparison import Comparison
from lab.metrics.evaluate import evaluate
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.judged import Judged, Limit, interval, limit_interval, mean, median
from lab.metrics.left_out import near_list
from lab.metrics.nearest import nearest
from lab.metrics.registry import get_metric
from lab.metrics.result import MetricResult

ON_FEATURES = (
    "nearest-distance", "nndr", "authpct", "m3-memorisation", "copy-detection", "c-t", "gan-leaks", "domias",
    "monte-carlo-membership", "fld", "fld-gap", "fls-overfit",
)  # fmt: skip
# In these a copied set scores higher than an honest one; in the others lower.
HIGHER = {
    "nearest-distance", "m3-memorisation", "copy-detection", "gan-leaks", "domias", "monte-carlo-membership", "fld",
    "fls-overfit",
}  # fmt: skip


def toy(kind: str = "fresh", n: int = 100, d: int = 6, **changes) -> MetricInput:
    """Two images a patient; samples fresh, copied with a little noise, half of each, far off or collapsed."""
    rng = np.random.default_rng(3)
    train, held_out, fresh = (rng.normal(size=(n, d)) for _ in range(3))
    near = train + 0.01 * rng.normal(size=train.shape)
    made = {
        "fresh": fresh, "near": near, "half": np.concatenate([near[: n // 2], fresh[: n // 2]]),
        "far": rng.normal(loc=8, size=(n, d)),
        "collapsed": fresh[:1] + 1e-3 * rng.normal(size=(n, d)),
    }[kind]  # fmt: skip
    people, others = (np.asarray([f"{side}{row // 2}" for row in range(n)]) for side in "pq")
    return MetricInput(
        **{"real": train, "real_patients": people, "synthetic": made, "held_out": held_out,
           "held_out_patients": others, "extractor": "toy", **changes}
    )  # fmt: skip


def measured(given: MetricInput, names: tuple[str, ...] = ON_FEATURES) -> dict[str, MetricResult]:
    return {one.metric: one for one in evaluate(names, given)}


@pytest.fixture(scope="module")
def by_kind() -> dict[str, dict[str, MetricResult]]:
    return {kind: measured(toy(kind)) for kind in ("fresh", "half", "near", "far", "collapsed")}


@pytest.mark.parametrize("same", [False, True])
def test_neighbours_are_those_of_the_whole_table_with_each_group_left_out(same: bool) -> None:
    comparison = Comparison(toy(n=90), 0)
    real = comparison.real
    points = real if same else comparison.synthetic
    table = np.linalg.norm(points.features[:, None] - real.features[None], axis=2)
    if same:
        np.fill_diagonal(table, np.inf)
    lists = near_list(points, real, 2)
    found = [lists.place(place, real.group_count) for place in (1, 2)]
    assert found[0].distances.shape == (90, 1 + real.group_count) and real.group_count == 40
    plain = nearest(points, real, k=2)
    assert np.array_equal(plain.distances, np.sqrt(lists.distances[:, :2]))
    assert np.array_equal(plain.rows, lists.near[:, :2])
    for column in range(1 + real.group_count):
        left = table.copy()
        if column:
            left[:, real.groups == column - 1] = np.inf
        told = np.sqrt(np.stack([one.distances[:, column] for one in found], axis=1))
        assert np.allclose(told, np.sort(left, axis=1)[:, :2], atol=1e-12)
        assert (found[0].rows[:, column] == left.argmin(axis=1)).all()


def test_one_patient_with_nearly_all_neighbours_can_be_left_out() -> None:
    """Sixty images of one patient around the sample: without them the nearest of the others is found."""
    rng = np.random.default_rng(0)
    crowd, others = 0.01 * rng.normal(size=(60, 3)), 5 + rng.normal(size=(40, 3))
    people = np.asarray(["crowd"] * 60 + [f"p{row}" for row in range(40)])
    samples = np.concatenate([np.zeros((1, 3)), rng.normal(size=(29, 3))])
    comparison = Comparison(MetricInput(np.concatenate([crowd, others]), people, samples), 0)
    real = comparison.real
    group = int(real.groups[real.patients == "crowd"][0])
    row = int(np.flatnonzero(comparison.synthetic.order == 0)[0])
    found = np.sqrt(
        near_list(comparison.synthetic, real, 1).place(1, real.group_count).distances[row, 1 + group]
    )
    stays = real.features[real.groups != group]
    assert found == pytest.approx(np.linalg.norm(stays, axis=1).min(), abs=1e-12)


def test_numbers_depend_neither_on_the_order_of_rows_nor_on_the_size_of_blocks(monkeypatch) -> None:
    given, rng = toy("half"), np.random.default_rng(5)
    r, s, h = (rng.permutation(100) for _ in range(3))
    shuffled = replace(
        given, real=given.real[r], real_patients=given.real_patients[r], synthetic=given.synthetic[s],
        held_out=given.held_out[h], held_out_patients=given.held_out_patients[h],
    )  # fmt: skip
    first = measured(given)
    monkeypatch.setattr(blocks, "BLOCK_VALUES", 3300)
    second = measured(shuffled)
    for name, one in first.items():
        two = second[name]
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), rel=1e-7), name
        assert two.control == pytest.approx(one.control, rel=1e-7), name
        if one.per_image is not None:
            assert two.per_image == pytest.approx(one.per_image[s], rel=1e-7), name


@pytest.mark.row("CM-12")
def test_flagged_pairs_are_the_nearest_training_images_of_the_samples_given() -> None:
    given = toy("half")
    found = measured(given, ("nndr", "copy-detection", "m3-memorisation", "nearest-distance"))
    for result in found.values():
        pairs = result.details["flagged"]
        assert 0 < len(pairs) <= 50
        copies = {(pair["sample"], pair["training"]) for pair in pairs if pair["sample"] < 50}
        # The first half of the samples are copies of the training images of the same rows.
        assert len(copies) >= 35 and all(sample == training for sample, training in copies), result.metric
    ratios = found["nndr"]
    distances = np.sort(np.linalg.norm(given.synthetic[:, None] - given.real[None], axis=2), axis=1)
    assert ratios.per_image == pytest.approx(distances[:, 0] / (distances[:, 1] + 1e-8), abs=1e-12)
    assert ratios.value == pytest.approx(np.median(ratios.per_image))
    histogram = ratios.details["histogram"]
    assert len(histogram["samples"]) == len(histogram["held_out"]) == 100 and histogram["x_title"]


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", ON_FEATURES)
def test_copies_move_each_number_away_from_its_control(by_kind, name: str) -> None:
    sign = 1.0 if name in HIGHER else -1.0
    fresh, half, near = (sign * by_kind[kind][name].value for kind in ("fresh", "half", "near"))
    assert fresh < half < near
    honest, copied = by_kind["fresh"][name], by_kind["near"][name]
    assert honest.low <= honest.control_high and honest.control_low <= honest.high
    assert copied.low > copied.control_high or copied.high < copied.control_low


@pytest.mark.fault(32)
def test_far_and_collapsed_sets_are_no_copies_but_not_honest_either(by_kind) -> None:
    far, collapsed = by_kind["far"], by_kind["collapsed"]
    assert far["authpct"].value == 100 and far["nearest-distance"].value == 0 and far["c-t"].value > 5
    assert collapsed["authpct"].value in (0.0, 100.0)
    for name in ("gan-leaks", "domias", "monte-carlo-membership"):
        assert abs(far[name].value - 0.5) < 0.15 and abs(collapsed[name].value - 0.5) < 0.15
    assert far["fld"].value > 50 and collapsed["fld"].value > 10


@pytest.mark.row("X-10")
def test_each_number_has_interval_control_and_small_plain_details(by_kind) -> None:
    for found in by_kind.values():
        for name, one in found.items():
            assert one.value is not None, (name, one.note)
            assert one.low <= one.value <= one.high and one.control_low <= one.control <= one.control_high, (
                name
            )
            assert one.floor is not None and one.floor_n, name
            assert len(json.dumps(one.details, allow_nan=False)) < 200_000, name


def test_without_held_out_images_numbers_that_need_them_say_so() -> None:
    given = replace(toy(), held_out=None, held_out_patients=None)
    for name, one in measured(given).items():
        if "held-out" in get_metric(name).spec.needs:
            assert one.value is None and "held-out" in one.note, name
        else:
            assert one.value is not None and one.control is None, name


def test_few_patients_get_no_interval() -> None:
    people, others = (np.asarray([f"{side}{row // 10}" for row in range(100)]) for side in "pq")
    few = toy(real_patients=people, held_out_patients=others)
    for name in ("nndr", "authpct", "c-t", "nearest-distance"):
        one = measured(few, (name,))[name]
        # Samples are their own patients; where training images stay as they are, nothing else is drawn.
        assert (name in ("nndr", "authpct")) == (one.low is not None)
    grouped = replace(few, synthetic_groups=people)
    assert measured(grouped, ("authpct",))["authpct"].note.startswith("No interval")


@pytest.mark.row("CM-15")
def test_copies_are_sought_in_the_embedding_trained_for_them_where_there_is_one() -> None:
    """The features know nothing of the copies; the embedding does."""
    copied = toy("near")
    blind = toy("fresh", spaces={"copy": Space(copied.real, copied.synthetic, copied.held_out, "copy-net")})
    plain, better = (
        measured(given, ("copy-detection",))["copy-detection"] for given in (toy("fresh"), blind)
    )
    assert plain.value < 0.25 and plain.extractor == "toy" and "extractor's features" in plain.note
    assert better.value > 0.9 and better.extractor == "copy-net" and "trained for copies" in better.note
    assert get_metric("copy-detection").spec.wants == ("copy-embedding",)


@pytest.mark.row("CM-14")
def test_the_black_box_attack_tells_rates_only_where_there_are_enough_non_members() -> None:
    sizes = {60: 0, 100: 1}
    for n, rates in sizes.items():
        one = measured(toy("half", n=n), ("gan-leaks",))["gan-leaks"]
        assert len([title for title in one.details["rates"] if title.startswith("TPR")]) == rates
        assert "0.1 %" in one.note or "100" in one.note
    told = one.details["roc"]
    given = toy("half")
    scores = [-np.linalg.norm(side[:, None] - given.synthetic[None], axis=2).min(axis=1)
              for side in (given.real, given.held_out)]  # fmt: skip
    area = roc_of(*scores, given.real_patients, given.held_out_patients).area
    assert told["auc"] == one.value == pytest.approx(area, abs=1e-12)
    assert (told["false_positive"][0], told["true_positive"][-1]) == (0.0, 1.0)
    assert {row["attack"] for row in one.details["table"]} == {"plain", "calibrated"}
    assert all(" to " in row["balanced accuracy"] and " to " in row["auc"] for row in one.details["table"])


def test_parts_hold_whole_patients_and_every_image_once() -> None:
    patients = np.asarray([f"p{row % 11}" for row in range(50)])
    parts = parts_by_patient(patients, 3, np.random.default_rng(0))
    assert sorted(np.concatenate(parts).tolist()) == list(range(50))
    people = [set(patients[part]) for part in parts]
    assert not people[0] & people[1] and not people[1] & people[2]


def test_bootstrap_intervals_cover_the_value_and_widen_with_patients_of_many_images() -> None:
    rng = np.random.default_rng(0)
    scores = np.repeat(rng.normal(size=30), 8)
    comparison = Comparison(toy(n=240, synthetic_groups=np.repeat(np.arange(30), 8).astype(str)), 0)
    grouped = comparison.synthetic
    by_patient = Judged(grouped, scores[np.argsort(grouped.patients, kind="stable")])
    alone = Judged(replace(grouped, patients=np.arange(240).astype(str)), by_patient.scores)
    for summary in (mean, median):
        wide, narrow = (interval(side, summary, np.random.default_rng(1)) for side in (by_patient, alone))
        assert wide[0] <= summary(by_patient.scores) <= wide[1]
        assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_an_interval_at_a_percentile_counts_the_doubt_about_the_percentile() -> None:
    """Honest images flagged below the 5th percentile of others: 95 % intervals hold 0.05 in most draws."""
    points, covered = Comparison(toy(), 0).synthetic, 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        limit = Limit(Judged(points, rng.normal(size=100)), 5.0, below=True)
        low, high = limit_interval(Judged(points, rng.normal(size=100)), limit, rng)
        covered += low <= 0.05 <= high
    assert covered >= 25
