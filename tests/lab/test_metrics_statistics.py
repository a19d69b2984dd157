"""Groups, draws, intervals and the unbiased kernel distance, on simulated patients."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.comparison import Comparison, compare_sets
from lab.metrics.fidelity.frechet_distance import frechet, frechet_statistic, moments
from lab.metrics.fidelity.kernel_distance import kernel_statistic
from lab.metrics.inputs import MetricInput
from lab.metrics.neighbourhoods import (
    coverage_statistic,
    density_statistic,
    recall_statistic,
)
from lab.metrics.patients import (
    Z95,
    balanced_draw,
    balanced_groups,
    group_count,
    jackknife_error,
    share_interval,
)
from lab.metrics.points import K, Points, SetPair
from lab.metrics.privacy.closer_to_training import matched_films


def given(n: int = 120, m: int = 80, d: int = 6, seed: int = 0, shift: float = 0.0) -> MetricInput:
    rng = np.random.default_rng(seed)
    return MetricInput(
        rng.normal(size=(n, d)),
        np.asarray([f"p{row // 2}" for row in range(n)]),
        rng.normal(size=(m, d)) + shift,
        held_out=rng.normal(size=(n // 2, d)),
        held_out_patients=np.asarray([f"q{row // 2}" for row in range(n // 2)]),
    )


def test_groups_hold_whole_patients_and_nearly_equal_numbers() -> None:
    rng = np.random.default_rng(3)
    patients = np.repeat([f"p{number}" for number in range(60)], rng.integers(1, 6, 60))
    groups = balanced_groups(patients, 20, seed=1)
    assert all(len(set(groups[patients == name])) == 1 for name in set(patients))
    sizes = np.bincount(groups, minlength=20)
    assert sizes.min() > 0 and sizes.max() - sizes.min() <= 5
    shuffle = rng.permutation(len(patients))
    assert np.array_equal(balanced_groups(patients[shuffle], 20, seed=1), groups[shuffle])


def test_fewer_than_twenty_patients_give_no_groups() -> None:
    assert group_count(19, 500) == 0
    assert group_count(20, 500) == 20
    assert group_count(300, 500) == 40


@pytest.mark.row("X-04")
def test_draws_take_one_film_a_patient_before_a_second() -> None:
    patients = np.repeat(["a", "b", "c"], [50, 3, 2])
    drawn = patients[balanced_draw(patients, 6, np.random.default_rng(0))]
    assert sorted(drawn) == ["a", "a", "b", "b", "c", "c"]


def test_a_draw_matches_patients_and_films() -> None:
    rng = np.random.default_rng(0)

    def points(counts: list[int], tag: str) -> Points:
        patients = np.repeat([f"{tag}{number}" for number in range(len(counts))], counts)
        return Points(rng.normal(size=(len(patients), 2)), patients, np.arange(len(patients)), None, 0)

    real, held_out = points([1, 2, 3, 4, 1, 1], "t"), points([2, 2, 5], "h")
    training, control = matched_films(real, held_out, rng)
    assert len(training) == len(control) == len(set(training)) == len(set(control))
    ours = np.unique(real.patients[training], return_counts=True)[1]
    theirs = np.unique(held_out.patients[control], return_counts=True)[1]
    assert sorted(ours) == sorted(theirs) and len(ours) == 3


def test_jackknife_interval_of_a_mean_covers_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(5), 0
    for _ in range(1500):
        values = rng.exponential(size=200)
        groups = rng.permutation(np.arange(200) % 40)
        left = np.asarray([values[groups != group].mean() for group in range(40)])
        covered += abs(values.mean() - 1.0) <= Z95 * jackknife_error(left)
    assert 0.925 <= covered / 1500 <= 0.97


@pytest.mark.row("C11")
def test_jackknife_interval_of_the_kernel_distance_covers_its_mean_over_fresh_sets() -> None:
    measured = [
        compare_sets(Comparison(given(160, 160, 4, seed, shift=0.4), seed), kernel_statistic)
        for seed in range(80)
    ]
    truth = np.mean([found.value for found in measured])
    covered = np.mean([found.low <= truth <= found.high for found in measured])
    assert 0.88 <= covered <= 1.0
    spread = np.std([found.value for found in measured])
    claimed = np.mean([(found.high - found.low) / (2 * Z95) for found in measured])
    assert 0.8 <= claimed / spread <= 1.8


@pytest.mark.row("C11")
def test_the_kernel_distance_of_one_population_is_zero_on_average_at_any_n() -> None:
    for n, m in ((20, 30), (40, 20)):
        values = [kernel_statistic(Comparison(given(n, m, 5, seed), 0).main).value for seed in range(400)]
        assert abs(np.mean(values)) <= 3 * np.std(values) / np.sqrt(len(values))


@pytest.mark.parametrize(
    "statistic",
    [
        frechet_statistic,
        kernel_statistic,
        recall_statistic,
        density_statistic,
        coverage_statistic,
    ],
)
def test_left_out_groups_equal_a_computation_from_scratch(statistic) -> None:
    sets = Comparison(given(), 0).main
    fast = statistic(sets)
    assert len(fast.deleted) == sets.groups == 40 or len(fast.deleted) >= 20
    for group in (0, 7, sets.groups - 1):
        real = sets.real.take(np.flatnonzero(sets.real.groups != group))
        synthetic = sets.synthetic.take(np.flatnonzero(sets.synthetic.groups != group))
        assert fast.deleted[group] == pytest.approx(
            statistic(SetPair(real, synthetic)).value, rel=1e-9, abs=1e-12
        )


def test_many_features_leave_out_groups_in_pairs() -> None:
    sets = Comparison(given(240, 200, 70), 0).main
    fast = frechet_statistic(sets)
    assert sets.groups == 40 and len(fast.deleted) == 20
    real = sets.real.features[sets.real.groups // 2 != 3]
    synthetic = sets.synthetic.features[sets.synthetic.groups // 2 != 3]
    assert fast.deleted[3] == pytest.approx(frechet(*moments(real), *moments(synthetic)), rel=1e-9)


@pytest.mark.fault(33)
def test_singular_covariances_give_a_finite_distance() -> None:
    rng = np.random.default_rng(0)
    flat = np.concatenate([rng.normal(size=(50, 3)), np.zeros((50, 5))], axis=1)
    other = np.concatenate([rng.normal(size=(50, 3)) + 1, np.ones((50, 5))], axis=1)
    assert frechet(*moments(flat), *moments(flat)) == pytest.approx(0.0, abs=1e-9)
    lower = frechet(*moments(flat[:, :3]), *moments(other[:, :3]))
    assert frechet(*moments(flat), *moments(other)) == pytest.approx(lower + 5, rel=1e-9)


def test_radii_without_a_large_group_are_searched_anew() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(60, 3)) * 1e-3, rng.normal(size=(60, 3)) + 5])
    groups = np.repeat(np.arange(20), 6)
    groups[:60] = 0
    points = Points(features, groups.astype(str), np.arange(120), groups, 20)
    for row in (0, 30, 70):
        others = features[(groups != 0) & (np.arange(120) != row)]
        expected = np.sort(((others - features[row]) ** 2).sum(axis=1))[K - 1] if groups[row] else 0.0
        assert points.radii[row, 1] == pytest.approx(expected, rel=1e-12)


def test_a_share_without_any_flag_still_has_an_upper_bound() -> None:
    patients = np.asarray([f"p{row}" for row in range(100)])
    low, high = share_interval(np.zeros(100, dtype=bool), patients)
    assert low == 0.0 and high == pytest.approx(0.0362, abs=1e-3)
    flags = np.arange(100) < 20
    low, high = share_interval(flags, patients)
    assert low < 0.2 < high and high - low == pytest.approx(2 * 1.96 * 0.04, abs=0.02)


def test_the_share_closer_to_training_is_half_for_honest_samples() -> None:
    from lab.metrics.evaluate import evaluate

    results = [next(evaluate(["closer-to-training"], given(120, 60, 6, seed), seed)) for seed in range(30)]
    values = np.asarray([result.value for result in results])
    controls = np.asarray([result.control for result in results])
    assert abs(values.mean() - 0.5) <= 3 * values.std() / np.sqrt(30)
    assert abs(controls.mean() - 0.5) <= 3 * controls.std() / np.sqrt(30)
    covered = np.mean([result.low <= 0.5 <= result.high for result in results])
    assert covered >= 0.85


def test_more_films_of_a_label_in_training_are_no_copying() -> None:
    """Training with four films in five of one label, held-out with one in five: labels have to be matched."""
    from dataclasses import replace

    from lab.metrics.evaluate import evaluate

    plain, matched = [], []
    for seed in range(12):
        rng = np.random.default_rng([7, seed])

        def side(n: int, share: float, rng: np.random.Generator = rng) -> tuple[np.ndarray, np.ndarray]:
            labels = np.where(np.arange(n) < share * n, "a", "b")
            return rng.normal(size=(n, 4)) + 3.0 * (labels == "a")[:, None], labels

        (real, real_labels), (held_out, held_out_labels), (samples, _) = (
            side(200, 0.8),
            side(200, 0.2),
            side(100, 0.8),
        )
        names = np.asarray([f"p{row}" for row in range(200)])
        told = MetricInput(real, names, samples, held_out=held_out, held_out_patients=np.char.add("q", names))
        plain += [next(evaluate(["closer-to-training"], told, seed)).value]
        told = replace(told, real_labels=real_labels, held_out_labels=held_out_labels)
        matched += [next(evaluate(["closer-to-training"], told, seed)).value]
    assert np.mean(plain) > 0.6
    assert abs(np.mean(matched) - 0.5) <= 3 * np.std(matched) / np.sqrt(12)
