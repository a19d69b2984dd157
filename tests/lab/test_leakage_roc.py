"""Attack curves against scikit-learn and against scores whose curve is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.leakage.rates import clopper_pearson, rate_at
from lab.leakage.roc import lower_epsilon, one_a_patient, roc_of


def _patients(count: int, films: int) -> np.ndarray:
    return np.array([f"p{row // films}" for row in range(count)])


@pytest.mark.parametrize("ties", [False, True])
def test_curve_and_area_are_those_of_scikit_learn(ties) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    rng = np.random.default_rng(3)
    members, others = rng.normal(0.8, 1, 137), rng.normal(0, 1, 211)
    if ties:
        members, others = np.round(members, 1), np.round(others, 1)
    found = roc_of(members, others, _patients(137, 2), _patients(211, 3))
    truth, scores = np.r_[np.ones(137), np.zeros(211)], np.r_[members, others]
    assert found.area == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    fpr, tpr, _ = roc_curve(truth, scores)
    np.testing.assert_allclose(np.interp(fpr, found.fpr, found.tpr)[-1], tpr[-1])
    assert np.trapezoid(found.tpr, found.fpr) == pytest.approx(found.area, abs=1e-12)
    corners = {(round(x, 12), round(y, 12)) for x, y in zip(fpr, tpr, strict=True)}
    assert {(round(x, 12), round(y, 12)) for x, y in zip(found.fpr, found.tpr, strict=True)} <= corners
    assert found.low < found.area < found.high
    assert (found.member_patients, found.other_patients) == (69, 71)


def test_a_hand_made_attack() -> None:
    """4 members, 4 others, one of them above one member: 15 of 16 pairs are won."""
    members, others = np.array([9.0, 8.0, 7.0, 4.0]), np.array([5.0, 3.0, 2.0, 1.0])
    found = roc_of(members, others, _patients(4, 1), _patients(4, 1))
    assert found.area == 15 / 16
    np.testing.assert_allclose(found.fpr, [0, 0, 0.25, 0.25, 1])
    np.testing.assert_allclose(found.tpr, [0, 0.75, 0.75, 1, 1])
    assert found.rates == (), "four non-members say nothing of 1 %"
    assert rate_at(members, others, 0.25).hits == 4 and rate_at(members, others, 0.2).hits == 3


@pytest.mark.row("CM-14")
def test_rates_are_hidden_where_too_few_non_members_stand_behind_them() -> None:
    rng = np.random.default_rng(1)
    told = {
        n: roc_of(rng.normal(1, 1, 80), rng.normal(0, 1, n), _patients(80, 1), _patients(n, 1))
        for n in (99, 100, 1000)
    }
    assert [len(told[n].rates) for n in (99, 100, 1000)] == [0, 1, 2]
    rate = told[100].rates[0]
    assert rate.fpr == 0.01 and rate.allowed == 1
    assert rate.low < rate.value < rate.high and told[100].best_low <= told[100].best <= told[100].best_high


def test_clopper_pearson_is_the_binomial_tail_it_is_defined_by() -> None:
    from scipy.stats import binom

    low, high = clopper_pearson(7, 40)
    assert binom.sf(6, 40, low) == pytest.approx(0.025) and binom.cdf(7, 40, high) == pytest.approx(0.025)
    assert clopper_pearson(0, 10)[0] == 0.0 and clopper_pearson(10, 10)[1] == 1.0


@pytest.mark.row("CM-14")
def test_the_interval_counts_patients_not_films() -> None:
    """Ten equal films of each patient make no interval narrower."""
    rng = np.random.default_rng(5)
    members, others = rng.normal(0.7, 1, 60), rng.normal(0, 1, 60)
    one = roc_of(members, others, _patients(60, 1), _patients(60, 1))
    many = roc_of(np.repeat(members, 10), np.repeat(others, 10), _patients(600, 10), _patients(600, 10))
    naive = roc_of(np.repeat(members, 10), np.repeat(others, 10), _patients(600, 1), _patients(600, 1))
    assert many.area == pytest.approx(one.area)
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)
    assert naive.high - naive.low < 0.5 * (many.high - many.low)


@pytest.mark.row("CM-14")
def test_rates_are_drawn_by_patient_with_their_threshold() -> None:
    """Five equal films of each patient make the interval of a rate no narrower; a plain resample agrees."""
    rng = np.random.default_rng(11)
    members, others = rng.normal(1.5, 1, 60), rng.normal(0, 1, 120)
    one = roc_of(members, others, _patients(60, 1), _patients(120, 1))
    many = roc_of(np.repeat(members, 5), np.repeat(others, 5), _patients(300, 5), _patients(600, 5))
    assert many.rates[0].value == pytest.approx(one.rates[0].value, abs=0.02)
    for name in ("low", "high"):
        assert getattr(many.rates[0], name) == pytest.approx(getattr(one.rates[0], name), abs=0.06)
    plain = []
    for _ in range(1500):
        ours, theirs = rng.choice(members, 60), rng.choice(others, 120)
        plain.append(rate_at(ours, theirs, 0.01).value)
    assert (one.rates[0].low, one.rates[0].high) == pytest.approx(np.percentile(plain, (2.5, 97.5)), abs=0.05)


@pytest.mark.row("CM-14")
def test_the_best_accuracy_is_that_of_the_best_threshold_and_above_chance_by_chance() -> None:
    members, others = np.array([9.0, 8.0, 7.0, 4.0]), np.array([5.0, 3.0, 2.0, 1.0])
    assert roc_of(members, others, _patients(4, 1), _patients(4, 1)).best == (0.75 + 1.0) / 2
    rng = np.random.default_rng(0)
    honest = [
        roc_of(rng.normal(0, 1, 40), rng.normal(0, 1, 40), _patients(40, 1), _patients(40, 1), seed).best
        for seed in range(12)
    ]
    assert min(honest) >= 0.5 and 0.55 < np.mean(honest) < 0.68


@pytest.mark.row("CM-14")
def test_accuracy_is_told_on_patients_that_did_not_choose_the_threshold() -> None:
    """Two normals a standard deviation apart: a threshold midway is best. Without a difference it is chance."""
    rng = np.random.default_rng(8)
    members, others = rng.normal(1, 1, 2000), rng.normal(0, 1, 2000)
    found = roc_of(members, others, _patients(2000, 4), _patients(2000, 4))
    best = ((members >= 0.5).mean() + (others < 0.5).mean()) / 2
    assert found.accuracy == pytest.approx(best, abs=0.02)
    assert found.accuracy_low < min(found.accuracy, best) and max(found.accuracy, best) < found.accuracy_high
    honest = [
        roc_of(rng.normal(0, 1, 40), rng.normal(0, 1, 40), _patients(40, 1), _patients(40, 1), seed).accuracy
        for seed in range(40)
    ]
    assert np.mean(honest) == pytest.approx(0.5, abs=0.04), (
        "a threshold chosen on the same films would score 0.6"
    )


def test_a_perfect_attack_still_has_an_interval() -> None:
    found = roc_of(np.arange(20) + 100.0, np.arange(30.0), _patients(20, 1), _patients(30, 1))
    assert found.area == found.high == 1.0 and found.low == pytest.approx(0.025 ** (1 / 20))


def test_the_lower_bound_of_epsilon_is_below_what_the_mechanism_has() -> None:
    """Randomised response with a known epsilon: the bound stays below it and is not empty."""
    epsilon, n = 2.0, 4000
    keep = np.exp(epsilon) / (1 + np.exp(epsilon))
    rng = np.random.default_rng(2)
    members, others = (rng.random(n) < keep).astype(float), (rng.random(n) < 1 - keep).astype(float)
    found = lower_epsilon(members + rng.normal(0, 1e-6, n), others + rng.normal(0, 1e-6, n), 0.0)
    assert found is not None and 1.5 < found < epsilon
    assert lower_epsilon(others, others, 0.0) is None
    # Ten films of each patient are no ten times as much evidence.
    np.testing.assert_array_equal(one_a_patient(np.repeat(members, 10), np.repeat(np.arange(n), 10)).size, n)


def test_scores_must_be_numbers_on_both_sides() -> None:
    for members, others in (([], [1.0]), ([1.0], []), ([float("nan")], [1.0])):
        with pytest.raises(NotComputable, match="finite scores"):
            roc_of(np.array(members), np.array(others), _patients(len(members), 1), _patients(len(others), 1))
