"""The privacy ledger: epsilon recomputed, contradictions refused, and what a ledger allows an attack."""

from __future__ import annotations

from math import comb, exp, log

import numpy as np
import pytest

from lab.errors import InputError
from lab.leakage.dp import Ledger, bound, check_ledger, epsilon_of, renyi_divergence
from lab.leakage.dp_prv import prv_epsilon


def test_one_step_is_the_binomial_sum_at_whole_orders() -> None:
    """At whole orders the divergence of the sampled Gaussian has a closed form (Mironov et al. 2019)."""
    for noise, rate, order in ((1.0, 0.01, 2), (1.5, 0.04, 3), (4.0, 0.01, 17), (0.7, 0.2, 5)):
        terms = [
            comb(order, k) * (1 - rate) ** (order - k) * rate**k * exp(k * (k - 1) / (2 * noise**2))
            for k in range(order + 1)
        ]
        assert renyi_divergence(noise, rate, order) == pytest.approx(log(sum(terms)) / (order - 1), rel=1e-6)
    assert renyi_divergence(2.0, 1.0, 3.0) == pytest.approx(3.0 / 8.0)


@pytest.mark.row("CM-16")
def test_a_known_epsilon_comes_out_within_one_per_cent() -> None:
    """Opacus gives 7.32911117143 for noise 1.5, rate 0.04, 90 epochs, delta 0.00001 (its own test)."""
    found, order = epsilon_of(1.5, 0.04, 2250, 1e-5)
    assert found == pytest.approx(7.32911117143, rel=0.01)
    assert 2 < order < 10


@pytest.mark.row("CM-16")
def test_an_inconsistent_epsilon_is_rejected() -> None:
    told = {"delta": 1e-5, "clip": 1.0, "noise": 1.5, "rate": 0.04, "steps": 2250}
    checked = check_ledger(Ledger(epsilon=7.33, **told), members=1000)
    assert checked.recomputed == pytest.approx(7.33, rel=0.01)
    assert not any("below the RDP" in remark for remark in checked.remarks)
    for wrong in (3.0, 9.0):
        with pytest.raises(InputError, match="contradicts itself"):
            check_ledger(Ledger(epsilon=wrong, **told))
    # Opacus' own PRV accountant gives 6.7791 for these entries; without its error margin 6.7691.
    for stated in (6.7791, 6.7691):
        exact = check_ledger(Ledger(epsilon=stated, **told, accountant="PRV"))
        assert exact.exact == pytest.approx(6.7791320762541165, rel=0.001)
    for accountant, wrong in (("PRV", 7.33), ("other", 9.0), ("other", 6.5)):
        with pytest.raises(InputError, match="by the PRV accountant"):
            check_ledger(Ledger(epsilon=wrong, **told, accountant=accountant))
    assert check_ledger(Ledger(epsilon=7.0, **told, accountant="other")).ledger.epsilon == 7.0
    vast = check_ledger(Ledger(0.5, 1e-5, 1.0, 40.0, 0.001, 50_000_000, "other"))
    assert vast.exact is None and any("not verified" in remark for remark in vast.remarks)
    loose = check_ledger(Ledger(epsilon=7.33, **told), members=200_000)
    assert any("one in 200,000" in remark for remark in loose.remarks)


@pytest.mark.row("CM-16")
@pytest.mark.parametrize(
    ("noise", "rate", "steps", "delta"),
    [(1.0, 0.01, 1000, 1e-5), (4.0, 0.01, 10_000, 1e-6), (2.0, 1.0, 20, 1e-5)],
)
def test_both_accountants_agree_with_opacus(noise, rate, steps, delta) -> None:
    from opacus.accountants import PRVAccountant, RDPAccountant

    told = []
    for kind in (RDPAccountant, PRVAccountant):
        accountant = kind()
        accountant.history = [(noise, rate, steps)]
        told.append(accountant.get_epsilon(delta))
    found, _ = epsilon_of(noise, rate, steps, delta)
    assert found == pytest.approx(told[0], rel=0.01)
    assert prv_epsilon(noise, rate, steps, delta, found) == pytest.approx(told[1], rel=0.01)


@pytest.mark.parametrize(
    "wrong",
    [{"epsilon": 0.0}, {"delta": 1.0}, {"clip": 0.0}, {"noise": 0.0}, {"rate": 1.5}, {"steps": 0}, {"unit": "study"},
     {"accountant": "mine"}, {"epsilon": float("nan")}],
)  # fmt: skip
def test_a_ledger_outside_its_ranges_is_refused(wrong) -> None:
    told = {"epsilon": 1.0, "delta": 1e-5, "clip": 1.0, "noise": 1.0, "rate": 0.01, "steps": 100}
    with pytest.raises(InputError, match="no bound was drawn"):
        Ledger(**{**told, **wrong}).checked()


@pytest.mark.row("CM-16")
def test_the_bound_is_the_promise_read_both_ways() -> None:
    fpr = np.array([0.0, 0.1, 0.5, 1.0])
    np.testing.assert_allclose(bound(0.0, 0.0, fpr), fpr)
    allowed = bound(1.0, 1e-3, fpr)
    assert allowed[0] == pytest.approx(1e-3)
    assert allowed[1] == pytest.approx(exp(1.0) * 0.1 + 1e-3)
    # At half of the false alarms the other direction is the stricter one.
    assert allowed[2] == pytest.approx(1 - exp(-1.0) * (1 - 1e-3 - 0.5))
    assert (np.diff(bound(3.0, 1e-5, np.linspace(0, 1, 200))) >= 0).all()


def test_no_attack_on_the_gaussian_step_itself_passes_its_bound() -> None:
    """The best attack on one Gaussian step is a threshold on its output; its curve stays under the exact epsilon's."""
    rng = np.random.default_rng(0)
    noise, steps, delta = 1.0, 1, 1e-2
    epsilon, _ = epsilon_of(noise, 1.0, steps, delta)
    absent, present = rng.normal(0, noise, 400_000), rng.normal(1, noise, 400_000)
    for threshold in (-1.0, 0.0, 1.0, 2.0, 3.0):
        fpr, tpr = float((absent > threshold).mean()), float((present > threshold).mean())
        assert tpr <= float(bound(epsilon, delta, np.array([fpr]))[0]) + 2e-3
