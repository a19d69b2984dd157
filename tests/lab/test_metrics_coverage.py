"""Intervals on simulated sets: how often they hold the value that fresh sets of the same size give on average."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.comparison import Z95
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

CORE = ("frechet-distance", "kernel-distance", "precision", "recall", "density", "coverage", "mmd-rbf")
SLOW = ("relative-frechet-distance", "frechet-distance-infinite")


def simulated(names: tuple[str, ...], seed: int, n: int = 200, d: int = 8) -> list[MetricResult]:
    rng = np.random.default_rng(seed)
    people = np.asarray([f"p{row}" for row in range(n)])
    told = MetricInput(rng.normal(size=(n, d)), people, 1.1 * rng.normal(size=(n, d)) + 0.3)
    return list(evaluate(names, told, seed))


def check(names: tuple[str, ...], count: int, least: float) -> None:
    found = [simulated(names, seed) for seed in range(count)]
    for column, name in enumerate(names):
        values = [one[column] for one in found]
        truth = np.mean([one.value for one in values])
        held = np.mean([one.low <= truth <= one.high for one in values])
        claimed = np.mean([(one.high - one.low) / (2 * Z95) for one in values])
        spread = np.std([one.value for one in values], ddof=1)
        assert held >= least, (name, held)
        assert 0.6 <= claimed / spread <= 2.2, (name, claimed / spread)


@pytest.mark.row("C11")
def test_intervals_hold_the_mean_over_fresh_sets() -> None:
    check(("frechet-distance", "density"), 25, 0.8)


@pytest.mark.slow
@pytest.mark.row("C11")
def test_intervals_of_every_kind_hold_the_mean_over_fresh_sets() -> None:
    check(CORE, 60, 0.85)
    check(SLOW, 40, 0.85)


@pytest.mark.row("C11")
def test_the_interval_of_part_of_a_set_covers_the_value_of_the_whole_set() -> None:
    """Distances without a bias from numbers: a tenth of the images against all of them."""
    rng = np.random.default_rng(2)
    real, synthetic = rng.normal(size=(1200, 8)), 1.1 * rng.normal(size=(1200, 8)) + 0.3
    people = np.asarray([f"p{row}" for row in range(1200)])
    names = ("kernel-distance", "mmd-rbf")
    whole = list(evaluate(names, MetricInput(real, people, synthetic)))
    held = np.zeros(len(names))
    for part in range(10):
        rows = slice(part * 120, part * 120 + 120)
        for at, one in enumerate(evaluate(names, MetricInput(real[rows], people[rows], synthetic[rows]))):
            held[at] += one.low <= whole[at].value <= one.high
    assert (held >= 8).all()
