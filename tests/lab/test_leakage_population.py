"""Counts within a threshold: the calibrated one is the verdict's own, and every number is recounted by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lab.charts.threshold import MAGIC, packet
from lab.errors import InputError, NotComputable
from lab.leakage.population import (
    counts,
    detectors_of,
    distance_column,
    expected_by_chance,
    film_column,
    near_copy_limit,
    population,
)
from lab.neighbours.verdict import NEAR_COPY_P, p_values

FILMS = {f"film{number}": f"patient{number // 2}" for number in range(20)}


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    films = [f"film{number}" for number in rng.integers(0, 20, 60)]
    return pd.DataFrame(
        {
            distance_column("a"): rng.uniform(0, 1, 60), film_column("a"): films,
            distance_column("b-c"): rng.uniform(0, 1, 60), film_column("b-c"): films[::-1],
        }
    )  # fmt: skip


def _seen(members=None):
    rng = np.random.default_rng(5)
    distances = {"train": rng.uniform(0.1, 1, 500), "held-out": rng.uniform(0.1, 1, 90)}
    return population(_table(), "a", distances, 2, FILMS, 30, members)


@pytest.mark.parametrize("detectors", [1, 2, 3])
@pytest.mark.parametrize("n", [99, 250, 500, 1800])
def test_the_calibrated_threshold_is_the_verdicts_own(n, detectors) -> None:
    """A distance is within it exactly when the corrected p is at most 0.01, on both sides of every reference film."""
    reference = np.sort(np.random.default_rng(n).uniform(0, 1, n))
    limit = near_copy_limit(reference, detectors)
    tried = np.concatenate([reference, np.nextafter(reference, -1), np.nextafter(reference, 2), [0.0]])
    called = detectors * p_values(tried, reference) <= NEAR_COPY_P
    if limit is None:
        assert not called.any()
    else:
        np.testing.assert_array_equal(tried <= limit, called)
    assert near_copy_limit(np.empty(0), 2) is None


@pytest.mark.row("CM-15")
def test_copies_and_exposed_patients_are_two_different_numbers() -> None:
    of, table = _seen(), _table()
    for threshold in (0.0, 0.2, 0.5, 2.0):
        found = counts(of, threshold)
        within = table[table["a.distance"] <= threshold]
        assert found.near.hits == len(within) and found.near.n == 60
        assert found.exposed.hits == within["a.film"].map(FILMS).nunique() and found.exposed.n == 10
        assert found.alarms is not None and found.alarms.hits == int((of.held_out <= threshold).sum())
        assert (found.alarms.n, found.alarms.clusters, found.unseen) == (90, 30, 0)
    assert counts(of, 2.0).near.hits > counts(of, 2.0).exposed.hits
    chance = expected_by_chance(60, counts(of, 0.2).alarms)
    assert chance is not None and chance[0] <= 60 * counts(of, 0.2).alarms.value <= chance[1]


def test_only_patients_the_generator_saw_can_be_exposed() -> None:
    members = ["film0", "film1", "film6", "not here"]
    of, table = _seen(members), _table()
    found = counts(of, 2.0)
    saw = table["a.film"].map(FILMS).isin(["patient0", "patient3"])
    assert found.exposed.n == 2 and found.unseen == int((~saw).sum()) > 0


def test_any_number_of_detectors_is_read_from_the_table() -> None:
    assert detectors_of(_table()) == ("a", "b-c")
    assert detectors_of(pd.DataFrame({"distance": [1.0]})) == ()
    with pytest.raises(NotComputable, match="no distances of that detector"):
        population(_table(), "d", {"train": np.ones(3), "held-out": np.ones(3)}, 2, FILMS, 3)


def _header(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    assert data[:4] == MAGIC
    length = int.from_bytes(data[4:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    arrays = {
        name: np.frombuffer(body[spec["offset"] : spec["offset"] + spec["length"]], "<f8")
        for name, spec in header["arrays"].items()
    }
    return header, arrays


def _packet(of, threshold: float) -> bytes:
    return packet(
        of.samples, of.patients, of.held_out, of.training, seen=of.seen, held_out_patients=30, limit=of.limit,
        threshold=threshold, detectors=2, title="A <b>", training_word="training image",
    )  # fmt: skip


def test_the_browser_gets_what_it_counts_with() -> None:
    of = _seen(["film0", "film1", "film6"])
    header, arrays = _header(_packet(of, 0.3))
    assert header["limit"] == of.limit and header["threshold"] == 0.3 and header["seen"] == 2
    for threshold in (0.05, 0.4, 0.9):
        found = counts(of, threshold)
        sides = (
            ("samples", found.near),
            ("exposed", found.exposed),
            ("held", found.alarms),
            ("training", found.training),
        )
        for name, share in sides:
            assert int((arrays[name] <= threshold).sum()) == share.hits, name
        assert int((arrays["unseen"] <= threshold).sum()) == found.unseen
    assert all((np.diff(values) >= 0).all() for values in arrays.values())
    assert _header(_packet(of, 0.7))[0]["view"] == header["view"], "where the handle stands is no other view"


def test_distances_that_are_not_numbers_are_not_drawn() -> None:
    of = _seen()
    broken = replace(of, samples=np.where(of.samples == of.samples[3], np.nan, of.samples))
    with pytest.raises(NotComputable, match="not whole"):
        _packet(broken, 0.3)


def _sets(origins) -> None:
    from lab.data.samples import NewSample, SampleSetWriter

    rng = np.random.default_rng(6)
    shared = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    for number, origin in enumerate(origins):
        films = [shared, *(rng.integers(0, 256, (16, 16), dtype=np.uint8) for _ in range(2))]
        writer = SampleSetWriter(f"set-{number}", origin, parent="films")
        writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(films))
        writer.finalise()


def test_sets_of_one_generator_are_read_as_one(workspace) -> None:
    from lab.data.merged import merged_reference
    from lab.data.resolve import resolve

    _sets(["one", "one", "other"])
    reference = merged_reference(["set-1", "set-0", "set-1"])
    both = resolve(reference, folders=False)
    assert reference == "set-0+set-1" and both.tag == "SYNTHETIC"
    assert len(both.ids()) == 5, "the film that stands in both counts once"
    name = resolve("set-1").ids()[2]
    np.testing.assert_array_equal(both.image(name), resolve("set-1").image(name))
    assert both.set_of(name) == "set-1"
    with pytest.raises(InputError, match="different generators"):
        resolve("set-0+set-2")
