"""The verdict: p-values, Bonferroni, labels, resolution; Wilson intervals."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.neighbours.intervals import wilson
from lab.neighbours.verdict import (
    COSINE,
    REGISTERED,
    DetectorReading,
    combined_p,
    label_of,
    p_values,
    read,
    verdict_of,
)


def _reading(name: str, p: float) -> DetectorReading:
    return DetectorReading(name, 0.1, p, 100 * p, "x")


def test_p_counts_reference_distances_not_above() -> None:
    reference = np.array([0.1, 0.2, 0.2, 0.4])
    np.testing.assert_allclose(
        p_values(np.array([0.0, 0.1, 0.15, 0.2, 0.3, 0.4, 9.0]), reference),
        [1 / 5, 2 / 5, 2 / 5, 4 / 5, 4 / 5, 1.0, 1.0],
    )


def test_percentile_is_never_finer_than_the_reference_allows() -> None:
    reference = {COSINE: np.linspace(0.1, 1, 99)}
    reading = read(COSINE, 0.0, "x", reference)
    assert reading.p == pytest.approx(0.01) and reading.percentile == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("p", "label"),
    [
        (0.001, "near-copy"),
        (0.01, "near-copy"),
        (0.0101, "close"),
        (0.05, "close"),
        (0.051, "ordinary"),
        (1, "ordinary"),
    ],
)
def test_labels(p: float, label: str) -> None:
    assert label_of(p) == label


def test_smallest_p_is_multiplied_by_the_number_of_detectors() -> None:
    verdict = verdict_of([_reading(REGISTERED, 0.004), _reading(COSINE, 0.6)], 999)
    assert (verdict.label, verdict.p, verdict.agreeing) == ("near-copy", 0.008, (REGISTERED,))
    verdict = verdict_of([_reading(REGISTERED, 0.006), _reading(COSINE, 0.02)], 999)
    assert (verdict.label, verdict.agreeing) == ("close", (REGISTERED, COSINE))
    assert verdict_of([_reading(COSINE, 0.9), _reading(REGISTERED, 0.8)], 999).p == 1.0
    np.testing.assert_allclose(combined_p(np.array([[0.004, 0.9], [0.6, 0.8]])), [0.008, 1.0])


def test_a_small_reference_says_what_it_cannot_tell() -> None:
    verdict = verdict_of([_reading(REGISTERED, 1 / 61), _reading(COSINE, 1 / 61)], 60)
    assert verdict.smallest_p == pytest.approx(2 / 61) and verdict.smallest_p > 0.01
    assert verdict.label == "close"
    assert verdict_of([_reading(REGISTERED, 0.005)], 199).smallest_p == pytest.approx(0.005)


def test_honest_p_values_are_uniform() -> None:
    """Distances from the reference's own distribution give p <= a in a share a of cases, at any a."""
    rng = np.random.default_rng(0)
    p = p_values(rng.gamma(3, size=20_000), np.sort(rng.gamma(3, size=4_000)))
    for level in (0.01, 0.05, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=0.004 + 0.02 * level)


def test_nothing_to_compare_with_is_no_verdict() -> None:
    with pytest.raises(NotComputable):
        p_values(np.array([0.1]), np.empty(0))
    with pytest.raises(NotComputable):
        verdict_of([], 100)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (5, 10, 0.23659, 0.76341), (1, 100, 0.00177, 0.05449)],
)
def test_wilson_interval_of_textbook_values(hits, n, low, high) -> None:
    share = wilson(hits, n)
    assert (share.low, share.high) == (pytest.approx(low, abs=2e-5), pytest.approx(high, abs=2e-5))
    assert share.value == hits / n and share.clusters == n


def test_no_images_have_no_share() -> None:
    with pytest.raises(NotComputable):
        wilson(0, 0)
