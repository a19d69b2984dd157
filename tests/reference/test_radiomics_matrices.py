"""Radiomic matrices against the worked examples of the pyradiomics documentation and against hand counts."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.radiomics.cooccurrence import cooccurrence, counts
from lab.metrics.radiomics.features import (
    binned,
    feature_names,
    normalised,
    radiomic_features,
    radiomic_vector,
)
from lab.metrics.radiomics.filters import wavelet
from lab.metrics.radiomics.first_order import first_order
from lab.metrics.radiomics.runs import run_lengths, runs, size_features, zone_sizes, zones
from lab.metrics.radiomics.tone import tone_differences, tone_table

BESIDE = np.array([[1, 2, 5, 2, 3], [3, 2, 1, 3, 1], [1, 3, 5, 5, 2], [1, 1, 1, 1, 2], [1, 2, 4, 3, 5]])
RUNS = np.array([[5, 2, 5, 4, 4], [3, 3, 3, 1, 3], [2, 1, 1, 1, 3], [4, 2, 2, 2, 3], [3, 5, 3, 3, 2]])
TONES = np.array([[1, 2, 5, 2], [3, 5, 1, 3], [1, 3, 5, 5], [3, 1, 1, 1]])


def table(levels: np.ndarray, sizes: np.ndarray) -> list[list[int]]:
    found = np.zeros((5, 5), dtype=int)
    np.add.at(found, (levels - 1, sizes - 1), 1)
    return found.tolist()


@pytest.mark.row("C9")
def test_the_documented_matrices_come_out() -> None:
    assert counts(BESIDE, (0, 1)).tolist() == [
        [6, 4, 3, 0, 0], [4, 0, 2, 1, 3], [3, 2, 0, 1, 2], [0, 1, 1, 0, 0], [0, 3, 2, 0, 2]
    ]  # fmt: skip
    assert table(*runs(RUNS, 0)) == [
        [1, 0, 1, 0, 0], [3, 0, 1, 0, 0], [4, 1, 1, 0, 0], [1, 1, 0, 0, 0], [3, 0, 0, 0, 0]
    ]  # fmt: skip
    assert table(*zones(RUNS)) == [
        [0, 0, 0, 1, 0], [1, 0, 0, 0, 1], [1, 0, 1, 0, 1], [1, 1, 0, 0, 0], [3, 0, 0, 0, 0]
    ]  # fmt: skip
    levels, shares, sums = tone_table(TONES)
    assert levels.tolist() == [1, 2, 3, 5]
    assert shares.tolist() == [0.375, 0.125, 0.25, 0.25]
    assert sums == pytest.approx([13.35, 2.0, 3.0333333, 10.075], abs=1e-6)


def test_runs_down_and_aslant_by_hand() -> None:
    small = np.array([[1, 1, 2], [1, 2, 2], [2, 2, 2]])
    assert sorted(zip(*(part.tolist() for part in runs(small, 2)), strict=True)) == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
        (2, 3),
    ]
    aslant = sorted(zip(*(part.tolist() for part in runs(small, 1)), strict=True))
    assert aslant == [(1, 1)] * 3 + [(2, 1)] * 4 + [(2, 2)]
    anti = sorted(zip(*(part.tolist() for part in runs(small, 3)), strict=True))
    assert anti == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]


@pytest.mark.row("C9")
def test_features_by_hand() -> None:
    """A checkerboard of two levels: every neighbour over an edge differs, every one over a corner is equal."""
    board = np.indices((4, 4)).sum(axis=0) % 2 + 1
    found = cooccurrence(board)
    assert found["contrast"] == pytest.approx(0.5)  # 1 along and down, 0 aslant
    assert found["correlation"] == pytest.approx(0.0)  # -1 twice, +1 twice
    aslant = -(5 / 9 * np.log2(5 / 9) + 4 / 9 * np.log2(4 / 9))  # nine equal pairs, five of one level
    assert found["joint-entropy"] == pytest.approx((1 + 1 + aslant + aslant) / 4)
    assert found["maximal-correlation"] == pytest.approx(1.0)
    assert found["inverse-difference"] == pytest.approx(0.75)
    assert run_lengths(board)["share-of-pixels"] == pytest.approx((1 + 1 + 7 / 16 + 7 / 16) / 4)
    assert zone_sizes(board)["share-of-pixels"] == pytest.approx(2 / 16)  # corners connect: two zones
    one = size_features(np.array([1, 2]), np.array([1, 3]), 4)
    assert one["short-emphasis"] == pytest.approx((1 + 1 / 9) / 2)
    assert one["long-high-level-emphasis"] == pytest.approx((1 + 36) / 2)
    assert one["entropy"] == pytest.approx(1.0)
    assert tone_differences(np.ones((4, 4), dtype=np.int64))["coarseness"] == 1e6


def test_co_occurrence_features_equal_their_double_sums() -> None:
    """The fast sums over i + j and |i - j| against the definitions written out over i and j."""
    p = counts(BESIDE, (0, 1)) / counts(BESIDE, (0, 1)).sum()
    i, j = np.indices(p.shape) + 1.0
    from lab.metrics.radiomics.cooccurrence import _features

    found, mean = _features(counts(BESIDE, (0, 1))), float((i * p).sum())
    spread = float(((i - mean) ** 2 * p).sum())
    px = p.sum(axis=1)
    wanted = {
        "autocorrelation": (i * j * p).sum(),
        "cluster-prominence": ((i + j - 2 * mean) ** 4 * p).sum(),
        "cluster-shade": ((i + j - 2 * mean) ** 3 * p).sum(),
        "correlation": ((i * j * p).sum() - mean**2) / spread,
        "inverse-variance": (p[i != j] / (i - j)[i != j] ** 2).sum(),
        "inverse-difference-moment-normalised": (p / (1 + (i - j) ** 2 / 25)).sum(),
        "information-1": (-(p[p > 0] * np.log2(p[p > 0])).sum() + (p * np.log2(np.outer(px, px))).sum())
        / -(px * np.log2(px)).sum(),
    }
    for name, value in wanted.items():
        assert found[name] == pytest.approx(float(value), rel=1e-9), name
    q = (p / px[:, None]) @ (p / px[None, :]).T
    assert found["maximal-correlation"] == pytest.approx(
        np.sqrt(np.sort(np.linalg.eigvals(q).real)[-2]), rel=1e-6
    )


def test_the_wavelet_equals_pywavelets() -> None:
    pywt = pytest.importorskip("pywt")
    picture = np.random.default_rng(0).normal(size=(32, 32))
    low, (horizontal, vertical, diagonal) = pywt.swt2(picture, "coif1", 1)[0]
    found = wavelet(picture)
    for name, wanted in (("LL", low), ("HL", horizontal), ("LH", vertical), ("HH", diagonal)):
        assert np.allclose(found[name], wanted, atol=1e-9), name


@pytest.mark.row("C9")
def test_both_sets_come_to_one_size_and_contrast() -> None:
    rows, columns = np.mgrid[:128, :128] / 128
    large = (127 + 90 * np.sin(7 * rows) * np.cos(5 * columns)).astype(np.uint8)
    small = large[::2, ::2]
    assert np.abs(normalised(small, 32) - normalised(large, 32)).mean() < 5.0  # of a spread of 100
    first, second = radiomic_features(small, 32), radiomic_features(large, 32)
    for name in ("original skewness", "original entropy", "original runs entropy", "log-2 variance"):
        assert first[name] == pytest.approx(second[name], rel=0.15, abs=0.02), name
    brighter = (small.astype(np.uint16) * 2 + 1) * 128
    assert normalised(small, 64) == pytest.approx(normalised(brighter, 64), abs=1e-3)
    assert (
        len(feature_names()) == 689 and np.isfinite(radiomic_vector(np.zeros((40, 40), np.uint8), 32)).all()
    )
    assert binned(np.array([-5.1, -5.0, 0.0, 4.9, 5.0])).tolist() == [1, 2, 3, 3, 4]
    assert first_order(np.arange(5.0), np.arange(5) + 1)["entropy"] == pytest.approx(np.log2(5))
    assert all(
        name in radiomic_features(small, 32) for name in ("original skewness", "log-2.5 zones entropy")
    )
