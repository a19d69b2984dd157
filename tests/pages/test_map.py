"""The map: a selection always gives exactly its own images, whatever was filtered or coloured before."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lab.ui.map_component import SELECTED, VISIBLE, packet
from lab.ui.map_points import BLANK, SIDES, sweeps
from lab.ui.map_scene import Choices, colourings, scene, view_name, visible_rows
from lab.ui.map_selection import combined, inside, picked_rows, rows_of
from lab.ui.map_view import apply_event
from lab.ui.state import MapKey as Key

VERDICTS = ("near-copy", "close", "ordinary")


def table(count: int, seed: int) -> pd.DataFrame:
    """Points as the page has them: references first, then samples of two generators."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, side in enumerate(sorted(rng.choice(SIDES, count), key=SIDES.index, reverse=False)):
        sample = side == "sample"
        rows.append(
            BLANK
            | {
                "key": f"run/{number:016x}" if sample else f"{number:016x}", "side": side,
                "image_id": f"{number:016x}", "label": str(rng.choice(["a", "b", "c"])), "x": float(rng.normal()),
                "y": float(rng.normal()), "off_map": bool(rng.random() < 0.2), "torn": bool(rng.random() < 0.2),
                "generator": str(rng.choice(["g", "h"])) if sample else "", "patient": f"p{number % 9}",
                "verdict": str(rng.choice(VERDICTS)) if sample else "", "feature distance": float(rng.random()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def rewritten(name: str, recipe: dict, licence: str) -> None:
    """Give every sample of a set a fuller recipe, and the set a licence."""
    from lab.data.samples import NewSample, SampleSetWriter, open_sample_set

    old = open_sample_set(name)
    writer = SampleSetWriter(name, old.origin, old.parent, licence=licence)
    writer.append(
        NewSample(at, old.image(one), {**old.recipe(one), **recipe}, "Large right pleural effusion.")
        for at, one in enumerate(old.ids())
    )
    writer.finalise()


def received(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """What the browser reads: the header and the arrays."""
    length = int.from_bytes(data[4:8], "little")
    header, payload = json.loads(data[8 : 8 + length]), data[8 + length :]
    arrays = {
        name: np.frombuffer(payload[spec["offset"] : spec["offset"] + spec["length"]], spec["type"])
        for name, spec in header["arrays"].items()
    }
    return header, arrays


corner = some.floats(-2, 2, width=32)
chosen = some.builds(
    Choices,
    sides=some.sets(some.sampled_from(SIDES)).map(tuple),
    labels=some.lists(some.sampled_from(["a", "b"]), max_size=2).map(tuple),
    verdicts=some.lists(some.sampled_from(VERDICTS), max_size=2).map(tuple),
    colour=some.sampled_from(["layer", "label", "patient", "verdict", "feature distance"]),
    layers=some.sampled_from(["generator", "run"]),
    extras=some.sets(some.sampled_from(["contours", "torn", "sweeps"])).map(tuple),
)
lasso = some.tuples(
    some.just("lasso"), some.lists(some.tuples(corner, corner), min_size=3, max_size=7),
    some.sampled_from(["replace", "add", "subtract"]),
)  # fmt: skip
box = some.tuples(
    some.just("box"),
    some.lists(some.tuples(corner, corner), min_size=2, max_size=2),
    some.sampled_from(["replace", "add"]),
)


def even_odd(x: float, y: float, corners: list[tuple[float, float]]) -> bool:
    """Whether a point lies in a polygon: the textbook loop, written apart from the code under test."""
    found, before = False, corners[-1]
    for here in corners:
        spans = (here[1] > y) != (before[1] > y)
        if spans and x < (before[0] - here[0]) * (y - here[1]) / (before[1] - here[1]) + here[0]:
            found = not found
        before = here
    return found


@pytest.mark.fault(40)
@settings(max_examples=60, deadline=None)
@given(
    seed=some.integers(0, 2**16),
    steps=some.lists(some.tuples(chosen, some.one_of(lasso, box)), min_size=1, max_size=5),
)
def test_the_gallery_holds_exactly_the_selected_ids_after_any_sequence(seed, steps):
    points, state, expected = table(40, seed), {}, []
    for choice, (kind, corners, mode) in steps:
        visible = visible_rows(points, choice)
        view = view_name(points, visible)
        drawn = packet(scene(points, choice, state.get(Key.SELECTED, ()), {}), "/library.js", view, "map")
        header, arrays = received(drawn)
        on_screen = np.flatnonzero(arrays["flags"] & VISIBLE)
        event = {
            "kind": kind, "x": [x for x, _ in corners], "y": [y for _, y in corners], "mode": mode,
            "view": header["view"],
        }  # fmt: skip
        apply_event(state, event, points, visible, view)
        shape = corners
        if kind == "box":
            (x0, y0), (x1, y1) = corners
            shape = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        hit = [str(points["key"][i]) for i in on_screen if even_odd(arrays["x"][i], arrays["y"][i], shape)]
        if mode == "replace":
            expected = hit
        elif mode == "add":
            expected = expected + [key for key in hit if key not in expected]
        else:
            expected = [key for key in expected if key not in hit]
        shown = points.loc[rows_of(state[Key.SELECTED], points), "key"].tolist()
        assert shown == expected
        again = scene(points, choice, state[Key.SELECTED], {})
        assert sorted(points["key"][np.flatnonzero(again.flags & SELECTED)]) == sorted(expected)


@pytest.mark.fault(40)
def test_a_selection_survives_other_samples_on_the_map_and_new_row_numbers():
    points = table(40, 3)
    keys = points["key"].tolist()
    kept = (keys[-1], keys[0], keys[20])
    fewer = points[points["key"] != keys[5]].reset_index(drop=True)
    assert fewer.loc[rows_of(kept, fewer), "key"].tolist() == list(kept)
    assert rows_of(("gone", keys[0]), points).tolist() == [0]


@pytest.mark.fault(40)
def test_what_was_drawn_on_another_view_is_not_taken():
    points, state = table(20, 1), {Key.SELECTED: ("kept",)}
    everything, fewer = visible_rows(points, Choices()), visible_rows(points, Choices(sides=("train",)))
    old, new = view_name(points, everything), view_name(points, fewer)
    assert old != new and old == view_name(points, visible_rows(points, Choices(colour="label")))
    apply_event(state, {"kind": "click", "row": 19, "view": old}, points, fewer, new)
    assert state == {Key.SELECTED: ("kept",), Key.STALE: True}


@pytest.mark.fault(30)
@pytest.mark.fault(59)
@pytest.mark.parametrize(
    "event",
    [
        None, 7, [], {}, {"kind": "click"}, {"kind": "click", "row": 99}, {"kind": "click", "row": -1},
        {"kind": "click", "row": True}, {"kind": "click", "row": "../x"}, {"kind": "lasso", "x": [0, 1], "y": [0]},
        {"kind": "lasso", "x": ["<b>"] * 3, "y": [0, 1, 2]}, {"kind": "lasso", "x": [float("nan")] * 3, "y": [1, 2, 3]},
        {"kind": "lasso", "x": [0] * 9000, "y": [0] * 9000}, {"kind": "box", "x": {"0": 1}, "y": [1, 2]},
        {"kind": "drop", "x": [0, 1, 2], "y": [0, 1, 2]},
    ],
)  # fmt: skip
def test_an_event_sent_by_hand_changes_nothing(event):
    points = table(10, 0)
    visible = np.ones(10, bool)
    assert picked_rows(event, points, visible) is None
    state = {Key.SELECTED: ("kept",)}
    if isinstance(event, dict):
        event = event | {"view": "v"}
    apply_event(state, event, points, visible, "v")
    assert state == {Key.SELECTED: ("kept",)}


def test_a_hidden_point_cannot_be_clicked_and_clearing_empties():
    points = table(10, 0)
    visible = np.ones(10, bool)
    visible[4] = False
    assert picked_rows({"kind": "click", "row": 4}, points, visible) is None
    assert picked_rows({"kind": "click", "row": 5}, points, visible).tolist() == [5]
    assert picked_rows({"kind": "clear"}, points, visible).tolist() == []
    assert combined(("a", "b"), ("b", "c"), "subtract") == ("a",)


def test_many_points_in_a_lasso_with_holes_agree_with_the_textbook_loop():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2000, 2)).astype(np.float32)
    star = [
        (np.cos(a) * r, np.sin(a) * r)
        for a, r in zip(np.arange(0, 12, 0.8), np.tile([2.0, 0.4], 8), strict=False)
    ]
    mine = inside(points[:, 0], points[:, 1], np.asarray(star))
    assert mine.tolist() == [even_odd(float(x), float(y), star) for x, y in points]


def test_the_packet_is_small_whole_and_speaks_of_row_numbers_only():
    points = table(5000, 2)
    data = packet(scene(points, Choices(colour="feature distance"), (), {}, token="t"), "/l.js", "v", "m")
    header, arrays = received(data)
    assert data[:4] == b"DMP1" and len(data) / len(points) < 16
    assert points["image_id"][7] not in data.decode("latin-1")
    np.testing.assert_array_equal(arrays["x"], points["x"].to_numpy(np.float32))
    assert header["range"][1] == pytest.approx(points["feature distance"].max(), rel=1e-6)


def test_above_a_hundred_thousand_points_references_are_drawn_as_density_and_can_still_be_lassoed():
    count = 120_000
    rng = np.random.default_rng(0)
    points = pd.DataFrame({name: np.repeat([value], count) for name, value in BLANK.items()})
    points["key"], points["side"] = [f"{n:x}" for n in range(count)], "train"
    points["x"], points["y"] = rng.normal(size=count), rng.normal(size=count)
    made = scene(points, Choices(), (), {})
    assert made.dense is not None and (made.flags & 16).all()
    found = picked_rows({"kind": "box", "x": [-9, 9], "y": [-9, 9]}, points, visible_rows(points, Choices()))
    assert len(found) == count


def test_colours_are_offered_only_where_they_tell_points_apart():
    points = table(40, 5)
    assert {"layer", "label", "patient", "verdict", "feature distance"} <= set(colourings(points))
    assert "vendor" not in colourings(points) and "registered distance" not in colourings(points)


def test_a_sweep_joins_equal_seeds_in_the_order_of_the_one_setting_that_varies():
    rows = [
        BLANK
        | {
            "key": f"{g}{s}{n}",
            "side": "sample",
            "generator": "g",
            "prompt": "p",
            "seed": s,
            "guidance": g,
            "steps": n,
        }
        for g, s, n in (
            (4.0, 1, 20.0),
            (1.0, 1, 20.0),
            (2.0, 1, 20.0),
            (2.0, 2, 20.0),
            (2.0, 2, 30.0),
            (9.0, 3, 5.0),
        )
    ]
    found = dict(sweeps(pd.DataFrame(rows)))
    assert found == {"seed 1: guidance 1 to 4": [1, 2, 0], "seed 2: steps 20 to 30": [3, 4]}


@pytest.mark.row("C14", "SG-11")
def test_the_page_opens_a_card_and_a_gallery_of_the_selected_points(visit, loaded):
    from lab.ui.map_points import points

    app = visit("feature_space")
    assert not app.exception and not app.error
    whole = points(loaded["map"], [loaded["samples"]])
    assert [metric.value for metric in app.metric][:2] == ["0.970", "61 %"]
    app.session_state[Key.SELECTED] = (whole["key"].iloc[-1],)
    app.run()
    assert not app.exception
    assert any(element.value.startswith("**Sample**") for element in app.markdown)
    app.session_state[Key.SELECTED] = tuple(whole["key"].iloc[[0, 5, -1, -2]])
    app.run()
    assert any(element.value.startswith("**4 selected:**") for element in app.markdown)
    assert app.button(key=f"{Key.SELECTED}.measure").label == "Measure these 2 samples"


def test_another_map_is_fitted_only_when_asked_for(visit, loaded):
    from lab.runs.store import RunStore

    app = visit("feature_space")
    app.session_state[Key.METHOD] = "pca"
    app.run()
    assert not app.exception and not RunStore.open().list(states=("queued",), kinds=("map",))
    next(button for button in app.button if button.label == "Fit the PCA map").click().run()
    queued = RunStore.open().list(states=("queued",), kinds=("map",))
    assert [run.spec.settings["method"] for run in queued] == ["pca"]


def test_selected_samples_are_kept_as_a_set_that_metrics_can_open(visit, loaded):
    from lab.data.resolve import resolve
    from lab.ui.map_gallery import keep_set
    from lab.ui.map_points import points

    rewritten("set-1", {"sampler": "ddim", "guidance": 3.0}, "CC BY 4.0; research only")
    whole = points(loaded["map"], [loaded["samples"]])
    some_samples = whole[whole["side"] == "sample"].iloc[:3]
    name = keep_set(some_samples, "films")
    assert keep_set(some_samples.iloc[::-1], "films") == name
    kept, original = resolve(name), resolve("set-1")
    assert len(kept.ids()) == 3 and set(kept.digests()) <= set(original.digests())
    recipes = dict(zip(original.digests(), map(original.recipe, original.ids()), strict=True))
    for image_id, digest in zip(kept.ids(), kept.digests(), strict=True):
        assert kept.recipe(image_id) == recipes[digest] and recipes[digest]["sampler"] == "ddim"
    assert kept.card.licence == "CC BY 4.0; research only" and kept.card.parent == "films"


def test_a_kept_selection_of_a_set_that_is_gone_has_the_recipe_of_its_run_and_the_licence_of_its_generator(
    loaded,
):
    from lab.data.resolve import resolve
    from lab.data.samples import remove_sample_set
    from lab.ui.map_gallery import keep_set
    from lab.ui.map_points import points

    whole = points(loaded["map"], [loaded["samples"]])
    remove_sample_set("set-1")
    kept = resolve(keep_set(whole[whole["side"] == "sample"].iloc[:2], "films"))
    assert kept.recipe(kept.ids()[0]) == {"device": "cpu"} and kept.card.licence == "Apache-2.0"


def test_the_film_under_the_pointer_is_found_by_token_and_row_alone(visit, loaded, workspace):
    from lab.ui.map_points import points
    from lab.ui.map_routes import FilmTables, small
    from lab.ui.map_view import PointFilms

    whole = points(loaded["map"], [loaded["samples"]])
    tables = FilmTables()
    token = tables.keep(None, PointFilms(whole, "films", "d", "REAL"))
    assert tables.find(token, 0).image_id == whole["image_id"][0] and tables.find(token, 0).tag == "REAL"
    last = tables.find(token, len(whole) - 1)
    assert last.tag == "SYNTHETIC" and last.digest == whole["artifact"].iloc[-1] and last.image_id == ""
    assert tables.find(token, len(whole)) is None and tables.find(token, -1) is None
    assert tables.find("guessed", 0) is None
    for _ in range(70):
        tables.keep(None, None)
    assert tables.find(token, 0) is None
    assert small(np.full((900, 700), 60000, np.uint16))[8:12] == b"WEBP"


def test_in_public_a_film_nobody_may_show_is_not_under_the_pointer(workspace, monkeypatch):
    from types import SimpleNamespace

    from lab.ui.map_routes import FilmRow, film_tables, film_under

    row = FilmRow("not-here", "0" * 64, "", "SYNTHETIC", ("seed 1",))
    token = film_tables().keep(None, SimpleNamespace(row=lambda number: row))
    monkeypatch.setenv("LAB_PUBLIC", "1")
    told = json.loads(bytes(film_under(SimpleNamespace(path_params={"token": token, "row": 0})).body))
    assert "picture" not in told and "in public" in told["problem"] and told["tag"] == "SYNTHETIC"
