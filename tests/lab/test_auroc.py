"""The area under the ROC curve against scikit-learn: ties, weights, draws of patients, and its draws' spread."""

from __future__ import annotations

import numpy as np
import pytest

from lab.auroc import auroc, drawn_aurocs, mann_whitney_u


def rounded_scores(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, a third of them of positives."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.33
    return (rng.normal(size=n) + positive).round(1), positive


def test_areas_are_scikit_learns_and_ties_count_half() -> None:
    from sklearn.metrics import roc_auc_score

    for seed in range(20):
        scores, positive = rounded_scores(137, seed)
        expected = roc_auc_score(positive, scores)
        assert auroc(scores[positive], scores[~positive]) == pytest.approx(expected, abs=1e-12)
    assert auroc(np.ones(3), np.ones(5)) == 0.5
    assert (auroc(np.array([2.0]), np.zeros(4)), auroc(np.zeros(4), np.array([2.0]))) == (1.0, 0.0)
    assert np.isnan(auroc(np.empty(0), np.ones(2))) and np.isnan(auroc(np.ones(2), np.empty(0)))


def test_the_statistic_is_scipys() -> None:
    from scipy.stats import mannwhitneyu

    scores, positive = rounded_scores(90, 3)
    expected = mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert mann_whitney_u(scores[positive], scores[~positive]) == expected


@pytest.mark.parametrize(("kind", "tolerance"), [(np.int64, 1e-12), (np.float64, 1e-12), (np.float32, 1e-6)])
def test_areas_of_draws_are_scikit_learns_with_weights(kind: type[np.generic], tolerance: float) -> None:
    from sklearn.metrics import roc_auc_score

    scores, positive = rounded_scores(300, 1)
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 60, 300)
    counts = rng.multinomial(60, np.full(60, 1 / 60), 1200)
    found = drawn_aurocs(scores, positive, groups, counts.astype(kind))
    assert found.shape == (1200,) and found.dtype == np.float64
    for row in range(0, 1200, 40):
        expected = roc_auc_score(positive, scores, sample_weight=counts[row, groups])
        assert found[row] == pytest.approx(expected, abs=tolerance)


def test_a_draw_that_leaves_one_kind_has_no_area() -> None:
    scores, positive = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    counts = np.array([[1, 1, 0], [1, 0, 2], [0, 1, 0], [0, 0, 0]])
    found = drawn_aurocs(scores, positive, np.arange(3), counts)
    assert found[0] == 0.0 and np.isnan(found[1:]).all()
    assert np.isnan(drawn_aurocs(np.empty(0), np.empty(0, bool), np.empty(0, int), counts)).all()


def test_draws_of_patients_spread_as_the_area_does_between_studies() -> None:
    """Hanley and McNeil's standard error for independent scores: 60 of each kind, equal spread, one apart."""
    rng = np.random.default_rng(5)
    scores, positive = rng.normal(size=120), np.arange(120) < 60
    scores[positive] += 1.0
    counts = rng.multinomial(120, np.full(120, 1 / 120), 4000)
    area = auroc(scores[positive], scores[~positive])
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    squares = area * (1 - area) + 59 * (first - area**2) + 59 * (second - area**2)
    assert drawn_aurocs(scores, positive, np.arange(120), counts).std() == pytest.approx(
        np.sqrt(squares) / 60, rel=0.15
    )
