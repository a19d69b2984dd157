"""The audit of a whole set against printed values and a plain search."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import NotComputable
from lab.neighbours import nearest_real as audit
from lab.neighbours.nearest_real import nearest_real, radii
from tests.reference.test_oracle_table import toy_sets

# NNDR median, share below 0.6, fidelity (copy and real set), share of the real set, privacy (1 - copy set)
TABLE = {
    "fresh": (0.9518, 0.0, 0.8933, 0.3400, 0.4467),
    "half": (0.3615, 0.5, 0.9467, 0.1667, 0.2200),
    "near": (0.0123, 1.0, 1.0, 0.0, 0.0),
    "far": (0.9807, 0.0, 0.0, 0.0, 1.0),
    "collapsed": (0.8007, 0.0, 1.0, 0.0, 0.0),
}


@pytest.fixture(scope="module")
def sets():
    return toy_sets()


@pytest.mark.row("CM-12")
@pytest.mark.parametrize("name", TABLE)
def test_nndr_equals_the_printed_values(sets, name) -> None:
    ratio = nearest_real(sets[name], sets["train"]).nndr
    assert np.median(ratio) == pytest.approx(TABLE[name][0], abs=6e-5)
    assert (ratio < audit.FLAG_BELOW).mean() == TABLE[name][1]


@pytest.mark.row("XI-11")
@pytest.mark.parametrize("name", TABLE)
def test_copy_real_and_non_real_sets_equal_the_printed_shares(sets, name) -> None:
    told = nearest_real(sets[name], sets["train"], radii(sets["train"])).sets
    share = {kind: float((told == kind).mean()) for kind in (audit.COPY, audit.REAL, audit.NON_REAL)}
    assert share["copy"] + share["real"] == pytest.approx(TABLE[name][2], abs=6e-5)
    assert share["real"] == pytest.approx(TABLE[name][3], abs=6e-5)
    assert 1 - share["copy"] == pytest.approx(TABLE[name][4], abs=6e-5)
    assert sum(share.values()) == pytest.approx(1.0)


@pytest.mark.row("XI-11")
def test_the_film_beside_each_sample_is_the_argmin(sets, monkeypatch) -> None:
    """Tiles far smaller than the sets, against whole matrices."""
    monkeypatch.setattr(audit, "TILE", 37)
    monkeypatch.setattr(audit, "QUERIES", 41)
    train, samples = sets["train"], np.concatenate([sets["half"], sets["fresh"]])
    whole = np.linalg.norm(samples[:, None] - train[None], axis=2)
    reals = np.linalg.norm(train[:, None] - train[None], axis=2)
    np.fill_diagonal(reals, np.inf)
    reach = np.sort(reals, axis=1)[:, [0, 4]]
    np.testing.assert_allclose(radii(train), reach, atol=1e-9)
    found = nearest_real(samples, train, reach)
    np.testing.assert_array_equal(found.rows, whole.argmin(axis=1))
    np.testing.assert_allclose(found.distances, np.sort(whole, axis=1)[:, :2], atol=1e-9)
    copy, inside = (np.where(whole < reach[:, number], whole, np.inf) for number in (0, 1))
    expected = np.where(
        np.isfinite(copy.min(axis=1)),
        copy.argmin(axis=1),
        np.where(np.isfinite(inside.min(axis=1)), inside.argmin(axis=1), whole.argmin(axis=1)),
    )
    np.testing.assert_array_equal(found.offending, expected)


def test_radii_leave_out_films_of_the_same_patient(sets) -> None:
    train, patients = sets["train"], np.arange(300) // 3
    reals = np.linalg.norm(train[:, None] - train[None], axis=2)
    reals[patients[:, None] == patients[None]] = np.inf
    np.testing.assert_allclose(radii(train, 5, patients), np.sort(reals, axis=1)[:, [0, 4]], atol=1e-9)


def test_one_film_has_no_ratio_and_none_cannot_be_compared(sets) -> None:
    found = nearest_real(sets["fresh"][:3], sets["train"][:1])
    assert found.nndr.tolist() == [1.0] * 3 and found.rows.tolist() == [0, 0, 0]
    with pytest.raises(NotComputable):
        nearest_real(sets["fresh"][:0], sets["train"])
    with pytest.raises(NotComputable, match="other patients"):
        radii(sets["train"][:4])
