"""Agreement of two spaces: Spearman as scipy computes it, overlap by hand, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import InputError, NotComputable
from lab.features.agreement import agreement


@pytest.fixture(scope="module")
def spaces() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(80, 12)).astype(np.float32)
    b = (a @ rng.normal(size=(12, 7)) + 0.8 * rng.normal(size=(80, 7))).astype(np.float32)
    return a, b


def _cosine(matrix: np.ndarray) -> np.ndarray:
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return 1.0 - unit @ unit.T


@pytest.mark.row("X-01")
def test_rank_agreement_is_that_of_scipy_and_overlap_that_of_sorting(spaces) -> None:
    from scipy.stats import spearmanr

    a, b = spaces
    found = agreement(a, b, k=5)
    left, right = _cosine(a), _cosine(b)
    others = [np.delete(np.arange(80), row) for row in range(80)]
    expected = [spearmanr(left[row, rest], right[row, rest])[0] for row, rest in enumerate(others)]
    np.testing.assert_allclose(found.per_query, expected, atol=1e-3)
    shared = [
        len(set(rest[np.argsort(left[row, rest])[:5]]) & set(rest[np.argsort(right[row, rest])[:5]])) / 5
        for row, rest in enumerate(others)
    ]
    np.testing.assert_allclose(found.top_per_query, shared)
    assert (found.queries, found.references, found.chance) == (80, 80, pytest.approx(5 / 79))
    assert "5 nearest" in found.sentence


def test_a_space_agrees_with_its_rotation_and_not_with_noise(spaces) -> None:
    a, _ = spaces
    turned = a @ np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0].astype(np.float32)
    same = agreement(a, turned, k=5)
    assert same.spearman > 0.999 and same.overlap > 0.99
    noise = np.random.default_rng(2).normal(size=(80, 9)).astype(np.float32)
    assert abs(agreement(a, noise, k=5).spearman) < 0.1


def test_queries_of_another_set_are_not_left_out(spaces) -> None:
    a, b = spaces
    found = agreement(a[:60], b[:60], 3, a[60:], b[60:])
    assert (found.queries, found.references, found.chance) == (20, 60, 3 / 60)
    assert agreement(a, b, limit=10).queries == 10


def test_what_cannot_be_compared_is_refused(spaces) -> None:
    a, b = spaces
    with pytest.raises(InputError, match="same images"):
        agreement(a, b[:50])
    with pytest.raises(InputError, match="same images"):
        agreement(a, b, 3, a[:4])
    with pytest.raises(NotComputable, match="at least 12 images"):
        agreement(a[:11], b[:11], k=10)
