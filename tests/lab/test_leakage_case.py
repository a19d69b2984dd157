"""The case without a page: who looked, verdicts, order, measures after registration, evidence in words."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from lab.errors import InputError, StoreError
from lab.leakage import access_log, case_evidence, verdicts
from lab.leakage.case_order import MOST, case_code, catches, picked, shuffled, training_first
from lab.leakage.pair_measures import pair_measures
from lab.leakage.verdicts import CaseVerdict
from lab.neighbours.difference import warp
from lab.neighbours.registered import Variant
from tests.builders.memory_set import blobs

AS_IS = Variant(False, 1.0, 0.0, (0, 0))


# ---------------------------------------------------------------- who looked
def test_every_look_is_listed_newest_first_with_who_and_when(workspace) -> None:
    access_log.record(access_log.OPENED, "films", ["aa11", "aa11", "bb22"])
    access_log.record(access_log.REVEALED, "films", ["aa11"], user="reader@example.org")
    found = access_log.entries()
    assert [(one.user, one.action, one.cases) for one in found] == [
        ("reader@example.org", "revealed", ("aa11",)),
        ("local", "opened", ("aa11", "bb22")),
    ]
    assert all(one.time.endswith("Z") and len(one.time) == 20 for one in found)
    rows = {row.user: row for row in access_log.who_looked(found)}
    assert (rows["local"].opened, rows["local"].cases, rows["local"].revealed) == (1, 2, 0)
    assert rows["reader@example.org"].revealed == 1


@pytest.mark.parametrize(
    ("action", "dataset", "cases"),
    [
        ("deleted", "films", []),
        ("opened", "a b", []),
        ("opened", "films", ["Jane Doe"]),
        ("opened", "../x", []),
    ],
)
def test_nothing_but_known_actions_and_opaque_codes_gets_in(workspace, action, dataset, cases) -> None:
    with pytest.raises(InputError):
        access_log.record(action, dataset, cases)
    assert access_log.entries() == []


def test_a_full_list_is_renamed_and_loses_nothing(workspace, monkeypatch) -> None:
    monkeypatch.setattr(access_log, "MAX_BYTES", 400)
    for number in range(30):
        access_log.record(access_log.OPENED, "films", [f"case{number}"])
    files = list((workspace / "leakage").glob("access*.jsonl"))
    assert len(files) > 2 and all(file.stat().st_size < 700 for file in files)
    assert [one.cases[0] for one in access_log.entries()] == [f"case{number}" for number in range(29, -1, -1)]
    assert len(access_log.entries(limit=5)) == 5


def test_a_cut_line_swallows_no_later_one(workspace) -> None:
    access_log.record(access_log.OPENED, "films", ["one"])
    path = workspace / "leakage" / "access.jsonl"
    path.write_bytes(path.read_bytes() + b'{"time": "2026-01-0')
    access_log.record(access_log.OPENED, "films", ["two"])
    path.write_bytes(path.read_bytes() + b"\xff\xfe no json\n[1]\n")
    assert [one.cases for one in access_log.entries()] == [("two",), ("one",)]


def test_many_at_once_lose_no_line(workspace) -> None:
    def look(name: int) -> None:
        for number in range(20):
            access_log.record(access_log.OPENED, "films", [f"c{name}-{number}"])

    threads = [threading.Thread(target=look, args=(name,)) for name in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.cases for one in access_log.entries()}) == 80


def test_a_list_that_cannot_be_written_is_said_so(workspace) -> None:
    workspace.mkdir()
    (workspace / "leakage").write_text("a file stands in the way")
    with pytest.raises(StoreError, match="nothing more is shown"):
        access_log.record(access_log.OPENED, "films", [])


# ---------------------------------------------------------------- verdicts
def verdict(case: int = 1, reader: str = "aaaaaa", **changes) -> CaseVerdict:
    told = {"samples": "set-1", "source": "sample", "training": 5, "control": 1, "first": "control"} | changes
    return CaseVerdict(f"{case:012x}", reader, **told)


def test_the_last_word_of_a_reader_wins_and_survives(workspace) -> None:
    verdicts.save(verdict(training=2))
    kept = verdicts.save(verdict(training=4))
    assert verdicts.load(kept.case, "aaaaaa") == kept and kept.updated > 0
    assert verdicts.of_case(kept.case) == [kept] == verdicts.of_set("set-1")
    assert verdicts.load(kept.case, "bbbbbb") is None and verdicts.of_set("set-2") == []


def test_a_verdict_file_holds_no_name_and_no_image(workspace) -> None:
    kept = verdicts.save(verdict())
    (file,) = (workspace / "leakage" / "verdicts").iterdir()
    assert file.name == f"{kept.case}.aaaaaa.json"
    assert set(json.loads(file.read_text())) == {
        "case", "reader", "samples", "source", "training", "control", "first", "seconds", "updated",
    }  # fmt: skip


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"case": 1}', b"\xff\xfe"])
def test_a_damaged_verdict_is_passed_over(workspace, damage) -> None:
    kept, other = verdicts.save(verdict()), verdicts.save(verdict(reader="bbbbbb"))
    place = workspace / "leakage" / "verdicts" / f"{kept.case}.aaaaaa.json"
    place.write_bytes(damage)
    assert verdicts.of_case(kept.case) == [other] and verdicts.load(kept.case, "aaaaaa") is None
    place.write_bytes((place.parent / f"{kept.case}.bbbbbb.json").read_bytes())
    assert verdicts.load(kept.case, "aaaaaa") is None, "a file that speaks for another reader"


@pytest.mark.parametrize(
    "changes",
    [
        {"training": 0},
        {"control": 6},
        {"training": True},
        {"first": "left"},
        {"source": ""},
        {"reader": "a/../b"},
    ],
)
def test_a_verdict_outside_its_range_is_refused(workspace, changes) -> None:
    with pytest.raises(InputError):
        verdicts.save(verdict(**changes))
    assert verdicts.of_set("set-1") == []


def test_readers_are_counted_as_words_say(workspace) -> None:
    for name, steps in {"aaaaaa": (5, 1), "bbbbbb": (4, 4), "dddddd": (3, 1), "eeeeee": (1, 2)}.items():
        verdicts.save(verdict(reader=name, training=steps[0], control=steps[1]))
    found = verdicts.of_case(verdict().case)
    assert verdicts.said_same(found) == (2, 4) and verdicts.said_same(found, verdicts.CONTROL) == (1, 4)
    told = verdicts.told_apart(found)
    assert told.share is not None
    assert (told.share.hits, told.share.n, told.undecided, told.readings) == (2, 3, 1, 4)
    assert told.share.low == pytest.approx(0.2077, abs=1e-3) and told.share.high == pytest.approx(
        0.9385, abs=1e-3
    )
    assert verdicts.told_apart([]).share is None and verdicts.told_apart([]).readings == 0


def test_reader_codes_are_random_and_checked() -> None:
    codes = {verdicts.new_reader() for _ in range(200)}
    assert len(codes) == 200 and all(map(verdicts.is_reader, codes))
    assert not any(map(verdicts.is_reader, ("", "Anna", "abcdef1", "abcde1", None, 7)))


# ---------------------------------------------------------------- order
def test_half_of_the_cases_are_closest_and_no_film_is_taken_twice() -> None:
    nearness = np.arange(100.0)
    nearest = [f"film {at // 4}" for at in range(100)]
    chosen = picked(nearness, nearest, "seed")
    assert len(chosen) == MOST == len(set(chosen)) and chosen == sorted(chosen)
    assert set(range(0, 32, 4)) <= set(chosen), "the closest sample of each of the eight closest films"
    assert chosen == picked(nearness, nearest, "seed") != picked(nearness, nearest, "another")
    assert picked(nearness[:5], nearest[:5], "seed") == [0, 1, 2, 3, 4]
    assert len(picked(nearness, ["one film"] * 100, "seed")) == MOST
    assert [catches(count) for count in (1, 8, 16)] == [2, 3, 5]


def test_the_order_and_the_sides_say_nothing_and_stay() -> None:
    codes = [case_code(str(at), "a", "b") for at in range(400)]
    mixed = shuffled(codes, "seed")
    assert sorted(mixed) == sorted(codes) and mixed == shuffled(codes, "seed") != shuffled(codes, "other")
    places = [mixed.index(code) for code in codes]
    assert abs(np.corrcoef(places, np.arange(400))[0, 1]) < 0.15
    sides = [training_first(code, "aaaaaa") for code in codes]
    assert sides == [training_first(code, "aaaaaa") for code in codes] and 160 < sum(sides) < 240
    assert sides != [training_first(code, "bbbbbb") for code in codes]


# ---------------------------------------------------------------- measures
def test_equal_films_do_not_differ_and_windows_do_not_count() -> None:
    film, other = blobs(5, 2, 256)
    same = pair_measures(film, film, AS_IS)
    assert same.ssim == pytest.approx(1.0) and same.rms == pytest.approx(0.0, abs=1e-9)
    dimmer = (film // 2 + 20).astype(np.uint8)
    assert pair_measures(dimmer, film, AS_IS).rms < 1.0
    deep = film.astype(np.uint16) * 257
    assert pair_measures(deep, film, AS_IS).ssim > 0.99
    apart = pair_measures(other, film, AS_IS)
    assert apart.rms > 20 and apart.ssim < 0.8
    assert apart.distances() == {"ssim": 1.0 - apart.ssim, "rms": apart.rms}


def test_the_pose_undoes_what_was_done() -> None:
    (film,) = blobs(6, 1, 256)
    turned = np.ascontiguousarray(film[:, ::-1])
    assert pair_measures(turned, film, Variant(True, 1.0, 0.0, (0, 0))).rms < 1.0
    assert pair_measures(turned, film, AS_IS).rms > 10
    shifted = warp(film.astype(float), Variant(False, 1.0, 0.0, (2, -1)), film.shape).astype(np.uint8)
    back = pair_measures(shifted, film, Variant(False, 1.0, 0.0, (-2, 1)))
    assert back.rms < 3.0 < pair_measures(shifted, film, AS_IS).rms


def test_rms_is_what_numpy_says() -> None:
    one, two = blobs(8, 2, 128)
    inner = [film[16:112, 16:112].astype(float) for film in (one, two)]
    level = [(film - film.mean()) / film.std() * 48.0 for film in inner]
    expected = float(np.sqrt(((level[0] - level[1]) ** 2).mean()))
    assert pair_measures(one, two, AS_IS).rms == pytest.approx(expected, rel=1e-3)


# ---------------------------------------------------------------- evidence
def side(ps=(0.0005, 0.4), ssim=0.95, rms=4.0, nearest=("film", "film")) -> dict:
    names = ("registered-correlation", "feature-cosine", "a-third-one")
    detectors = [
        {"name": name, "distance": 0.1, "p": p, "percentile": 100 * p, "nearest": one, "variant": "as is"}
        for name, p, one in zip(names, ps, [*nearest, "film"], strict=False)
    ]
    told = {"label": "near-copy", "p": 0.001, "n_reference": 1800, "detectors": detectors}
    return {"image_id": "film", "verdict": told, "ssim": ssim, "rms": rms}


def test_percentiles_are_counted_and_never_finer_than_n_allows() -> None:
    reference = {"ssim": np.sort(np.linspace(0.2, 0.8, 200)), "rms": np.sort(np.linspace(10.0, 60.0, 200))}
    found = {one.name: one for one in case_evidence.readings(side(), reference)}
    assert found["rms"].p == pytest.approx(1 / 201) and found["rms"].closer_than == 99.5
    assert found["rms"].label == "near-copy" and found["rms"].n == 200
    middle = {one.name: one for one in case_evidence.readings(side(ssim=0.5, rms=35.0), reference)}
    assert middle["ssim"].p == pytest.approx((1 + (reference["ssim"] <= 0.5).sum()) / 201)
    assert middle["ssim"].closer_than == pytest.approx(49.7, abs=0.6) and middle["ssim"].label == "ordinary"
    detector = found["registered-correlation"]
    assert detector.closer_than == 99.9 and detector.label == "near-copy" and detector.n == 1800
    assert found["feature-cosine"].label == "ordinary"
    words = case_evidence.in_words(detector)
    assert words == "closer than 99.9 % of training images are to any other patient’s (n = 1,800)"


def test_without_reference_distances_nothing_is_claimed() -> None:
    found = case_evidence.readings(side(), {})
    unread = [one for one in found if one.kind == "measure"]
    assert len(unread) == 2 and all(one.p is None and one.label == "" for one in unread)
    assert case_evidence.in_words(unread[0]) == "not yet compared with real pairs"
    assert case_evidence.agreement(found) == "1 of 2 detectors"


def test_a_third_detector_is_counted_like_the_others() -> None:
    found = case_evidence.readings(side(ps=(0.001, 0.002, 0.4), nearest=("film", "else")), {})
    assert [one.name for one in found[:3]] == ["registered-correlation", "feature-cosine", "a-third-one"]
    assert [one.same_film for one in found[:3]] == [True, False, True]
    told = case_evidence.sentence(found, "near-copy", (6, 8))
    assert told == "Near-copy by 2 of 3 detectors; readers: 6 of 8 said the same patient."


def test_no_finding_is_never_called_private() -> None:
    told = case_evidence.sentence(case_evidence.readings(side(ps=(0.5, 0.4)), {}), "ordinary", (0, 0))
    assert told.startswith("No near-copy found by these 2 detectors at this sensitivity")
    assert "private" not in told and "no reader" in told
