"""One pass over inner products against plain float64 sums and whole distance matrices, whatever the tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lab.metrics import gram
from lab.metrics.points import K, Points, SetPair

GROUPS = 20


def points(features: np.ndarray, seed: int = 0, grouped: bool = True) -> Points:
    groups = np.random.default_rng(seed).permutation(np.arange(len(features)) % GROUPS) if grouped else None
    names = np.arange(len(features)).astype(str)
    return Points(features, names, np.arange(len(features)), groups, GROUPS if grouped else 0)


def clouds(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 150 and 130, as a network's features: float32, off centre."""
    rng = np.random.default_rng(3)
    real = rng.normal(size=(150, 12)) + 4.0
    synthetic = 1.1 * rng.normal(size=(130, 12)) + 4.1
    if kind == "collapsed":
        synthetic = real[:1] + 1e-4 * rng.normal(size=(130, 12))
    if kind == "copied":
        synthetic = real[:130] + 1e-5 * rng.normal(size=(130, 12))
    if kind == "repeated":
        real[:40] = real[0]
        synthetic[:30] = real[0]
    if kind == "two clusters":
        real[:75] += 1e3
        synthetic[:65] += 1e3
    if kind == "one image":
        real[:], synthetic[:] = 1.0, 1.0
    return real.astype(np.float32), synthetic.astype(np.float32)


def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a.astype(np.float64)[:, None] - b.astype(np.float64)[None]) ** 2).sum(axis=2)


def plain_radii(side: Points) -> np.ndarray:
    whole = squared(side.features, side.features)
    np.fill_diagonal(whole, np.inf)
    table = np.empty((side.n, 1 + GROUPS))
    for column in range(1 + GROUPS):
        left = whole.copy()
        if column:
            left[:, side.groups == column - 1] = np.inf
        table[:, column] = np.sort(left, axis=1)[:, K - 1]
        if column:
            table[side.groups == column - 1, column] = 0.0
    return table


KINDS = ("plain", "collapsed", "copied", "repeated", "two clusters", "one image")


@pytest.mark.fault(37)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [1, 7, 64, 1024])
@pytest.mark.parametrize("single", [True, False])
def test_counts_are_those_of_whole_matrices_for_any_tile_and_precision(
    monkeypatch: pytest.MonkeyPatch, kind: str, side: int, single: bool
) -> None:
    if side == 1 and kind not in ("plain", "collapsed"):
        pytest.skip("tiles of one pair: two kinds of sets are enough")
    monkeypatch.setattr(gram, "TILE", side)
    monkeypatch.setattr(gram, "WORTH_SINGLE", 0 if single else 1 << 60)
    a, b = clouds(kind)
    if side == 1:  # a tile a pair: a third of the rows shows the same in a ninth of the time
        a, b = a[::3], b[::3]
    pair = SetPair(points(a), points(b, 1))
    assert pair.real.screened.single == (single and kind != "one image")
    for told, balls, other in (
        (pair.around_real, pair.real, pair.synthetic),
        (pair.around_synthetic, pair.synthetic, pair.real),
    ):
        np.testing.assert_allclose(balls.radii, plain_radii(balls), rtol=1e-12)
        whole = squared(other.features, balls.features)
        for column in range(1 + GROUPS):
            inside = whole < balls.radii[None, :, column]
            np.testing.assert_array_equal(told.counts[:, column], inside.sum(axis=1))
            stay = np.ones(other.n, bool) if not column else other.groups != column - 1
            np.testing.assert_array_equal(told.covered[:, column], inside[stay].any(axis=0))
    whole = squared(b, a)
    rows, found = pair.nearest_training
    np.testing.assert_allclose(found, whole.min(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(whole[np.arange(len(b)), rows], whole.min(axis=1))


@pytest.mark.fault(37)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [7, 64, 1024])
def test_kernel_sums_from_single_precision_equal_a_plain_sum(
    monkeypatch: pytest.MonkeyPatch, kind: str, side: int
) -> None:
    monkeypatch.setattr(gram, "TILE", side)
    monkeypatch.setattr(gram, "WORTH_SINGLE", 0)
    a, b = clouds(kind)
    pair = SetPair(points(a), points(b, 1))
    x, y = a.astype(np.float64), b.astype(np.float64)
    for mine, left, right in (
        (pair.real.kernel_sums, x, x),
        (pair.synthetic.kernel_sums, y, y),
        (pair.kernel_sums, x, y),
    ):
        kernel = (left @ right.T / 12 + 1.0) ** 3
        if left is right:
            np.fill_diagonal(kernel, 0.0)
        of = [np.eye(GROUPS)[(pair.real if side_ is x else pair.synthetic).groups] for side_ in (left, right)]
        expected = of[0].T @ kernel @ of[1]
        # A cell of few pairs near 0 is off by what rounding does to its larger neighbours.
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).mean())
        assert mine.sum() == pytest.approx(kernel.sum(), rel=1e-5 if kind == "two clusters" else 1e-6)


@pytest.mark.fault(37)
def test_one_pass_for_all_gives_what_passes_of_their_own_give() -> None:
    a, b = clouds("plain")

    def made(shared: bool) -> SetPair:
        one, two = points(a), points(b, 1)
        return SetPair(
            *(
                Points(side.features, side.patients, side.order, side.groups, GROUPS, shared=shared)
                for side in (one, two)
            )
        )

    alone, together = made(False), made(True)
    both: Callable[[SetPair], list[np.ndarray]] = lambda pair: [  # noqa: E731
        pair.kernel_sums, pair.real.kernel_sums, pair.synthetic.kernel_sums, pair.around_real.counts
    ]  # fmt: skip
    for mine, theirs in zip(both(alone), both(together), strict=True):
        np.testing.assert_array_equal(mine, theirs)
