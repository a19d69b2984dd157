"""The guided demonstration: its samples, the truth behind it, its counts, its steps, and what it shows in public."""

from __future__ import annotations

import hashlib
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lab.config import ASSETS
from lab.errors import NotComputable, StoreError
from lab.gates.planted import PlantedFilm
from lab.leakage import demo_counts, demo_plan, demo_set
from lab.leakage.demo_plan import DATASET, HELD_OUT, MEMORISED, MEMORISED_SET, ONCE, PLANTED, SETS
from lab.leakage.demo_set import DemoSample
from lab.ui import leakage_demo_state as talk

pytestmark = pytest.mark.timeout(900)  # the audits run once, on whatever machine this is
LIMIT = 2_000_000
VOTED = "5f3a9c20.0-0-0-1-2-2-1-0-0-0"


@pytest.fixture
def shipped():
    from lab.leakage.demo_runs import can_be_shown

    if not can_be_shown():
        pytest.skip("the demonstration is not in this checkout")
    return demo_set.read_demo()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A workspace in which everything the demonstration needs has run, made once for this module."""
    from lab.data.phantom_pack import find_pack
    from lab.leakage.demo_runs import can_be_shown, next_preparation
    from lab.runs.client import run_inline
    from lab.runs.requests import PHANTOM_FILMS, PHANTOM_PATIENTS

    if not can_be_shown() or find_pack(PHANTOM_PATIENTS, PHANTOM_FILMS, 0) is None:
        pytest.skip("the demonstration or the phantom pack is not in this checkout")
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(folder))
        kinds = []
        while (spec := next_preparation()) is not None and spec.kind != "map":
            run = run_inline(spec)
            assert run.state == "done", run.error
            kinds.append(run.kind)
    return SimpleNamespace(folder=folder, kinds=kinds)


@pytest.fixture
def ready(prepared, monkeypatch):
    monkeypatch.setenv("LAB_WORKSPACE", str(prepared.folder))
    return prepared


# ---- the shipped samples


def test_the_shipped_samples_are_small_whole_and_carry_their_recipes(shipped):
    from lab.generators.cards import get_card
    from lab.generators.sample import read_recipe

    files = list(demo_set.FOLDER.iterdir())
    assert sum(path.stat().st_size for path in files) <= LIMIT
    assert {path.name for path in files if path.suffix == ".png"} == {one.file for one in shipped.samples}
    for one in shipped.samples:
        data = (demo_set.FOLDER / one.file).read_bytes()
        recipe = read_recipe(data)
        assert hashlib.sha256(data).hexdigest() == one.digest
        assert (recipe["prompt"], recipe["seed"], recipe["generator"]) == (
            one.prompt,
            one.seed,
            SETS[one.set],
        )
    assert all(get_card(name).phantom_trained for name in SETS.values())


def test_captions_come_from_the_lists_and_the_controls_from_nobody_trained_on(shipped, ready):
    listed = {one["caption"]: one["copies"] for one in json.loads(_beside("planted.json"))}
    wanted = [(a.set, a.group, a.film, a.prompt, seed) for a in demo_set.asked() for seed in a.seeds]
    assert wanted == [(one.set, one.group, one.film, one.prompt, one.seed) for one in shipped.samples]
    for one in shipped.samples:
        copies = listed.get(one.prompt)
        assert {PLANTED: copies == 20, ONCE: copies == 1, HELD_OUT: copies is None}[one.group]
    prompts = [[one.prompt for one in shipped.of(name) if one.group == HELD_OUT] for name in SETS]
    assert prompts[0] == prompts[1] and len(set(prompts[0])) == demo_plan.HELD_OUT_CAPTIONS


def test_a_few_samples_made_anew_are_the_shipped_ones(shipped, ready, tmp_path):
    from lab.data.images import decode

    asked = demo_set.asked()
    chosen = [asked[0], next(one for one in asked if one.set != MEMORISED_SET)]
    made = demo_set.make(tmp_path, lambda *told: None, chosen)
    assert len(made.samples) == sum(one.count for one in chosen)
    for one in made.samples:
        new, old = (decode((folder / one.file).read_bytes()).array for folder in (tmp_path, demo_set.FOLDER))
        assert np.abs(new.astype(int) - old.astype(int)).max() <= 1
    assert all(made.weights[name] == shipped.weights[name] for name in made.weights)


def test_samples_are_taken_in_once_and_a_damaged_one_is_refused(shipped, workspace, tmp_path):
    import shutil

    from lab.data.samples import list_sample_sets, open_sample_set

    folder = tmp_path / "demo"
    shutil.copytree(demo_set.FOLDER, folder)
    last = folder / shipped.of("leakage-demo-well-trained")[-1].file
    last.write_bytes(last.read_bytes()[:-9] + b"123456789")
    with pytest.raises(StoreError, match="missing or damaged"):
        demo_set.install(folder)
    assert [card.id for card in list_sample_sets()] == [MEMORISED_SET]
    assert demo_set.install() == list(SETS)
    first = open_sample_set(MEMORISED_SET)
    stamp = (first.folder / "rows.jsonl").stat().st_mtime_ns
    demo_set.install()
    assert (first.folder / "rows.jsonl").stat().st_mtime_ns == stamp
    assert first.parent == DATASET and len(first) == len(shipped.of(MEMORISED_SET))


# ---- counting


def a_truth():
    films = [PlantedFilm("a", "one", 20), PlantedFilm("b", "two", 20), PlantedFilm("c", "three", 1)]
    train = pd.DataFrame(
        {"image_id": ["a", "a2", "b", "c", "d", "e"], "patient_id": ["A", "A", "B", "C", "D", "E"]}
    )
    return demo_counts.truth_of(films, ["a", "b", "c", "d"], train)


def told(rows):
    """A joined audit of (group, film asked, film pointed at, label)."""
    samples = [
        DemoSample(f"{at}.png", MEMORISED_SET, g, f, f, at, "") for at, (g, f, _, _) in enumerate(rows)
    ]
    table = pd.DataFrame({"image_id": [f"s{at}" for at in range(len(rows))], "first": [row[2] for row in rows],
                          "label": [row[3] for row in rows], "p": 0.01})  # fmt: skip
    return demo_counts.joined(table, samples, a_truth())


def test_verdicts_are_counted_by_patient_against_what_training_saw():
    rows = [
        (PLANTED, "a", "a2", "near-copy"),  # another film of the planted patient: that patient is given away
        (PLANTED, "b", "b", "close"),
        (ONCE, "c", "d", "near-copy"),
        (HELD_OUT, "h", "e", "near-copy"),  # a patient nobody trained on: a false alarm
        (HELD_OUT, "h", "a", "ordinary"),
    ]
    matrix = demo_counts.matrix_of(told(rows), a_truth())
    assert (matrix.found, matrix.missed) == (("a",), ("b",))
    assert (matrix.exposed, matrix.spared) == (("d",), ("c",))
    assert matrix.alarms == ("s3",) and matrix.samples == 5
    assert (matrix.planted.hits, matrix.planted.n, matrix.once.n, matrix.false.n) == (1, 2, 2, 5)
    assert demo_counts.near_copies(told(rows), HELD_OUT).hits == 1
    assert demo_counts.given_back(told(rows), a_truth(), PLANTED).hits == 1
    assert demo_counts.given_back(told(rows), a_truth(), ONCE).hits == 0
    with pytest.raises(NotComputable):
        demo_counts.given_back(told(rows), a_truth(), HELD_OUT)


def test_a_truth_of_other_films_is_refused():
    films = [PlantedFilm("zzz", "one", 20)]
    with pytest.raises(NotComputable, match="not all among the training images"):
        demo_counts.truth_of(films, ["zzz"], pd.DataFrame({"image_id": ["a"], "patient_id": ["A"]}))


# ---- the vote and the address


def test_the_show_of_hands_survives_the_address_and_nonsense_does_not():
    known = talk.Hands("5f3a9c21", ((0, 0, 0, 1, 2), (2, 1, 0, 0, 0)))
    assert talk.read_hands(known.code()) == known and known.over
    assert talk.read_hands("5f3a9c21") == talk.Hands("5f3a9c21")
    assert talk.read_hands("5f3a9c21.s").over
    for text in (
        "",
        "x",
        "5f3a9c21.",
        "5f3a9c21.1-2",
        "5F3A9C21",
        "5f3a9c21.-1-0-0-0-0-0-0-0-0-0",
        "5f3a9c21.s<b>",
    ):
        assert talk.read_hands(text) is None
    one_sided = talk.Hands("5f3a9c21", ((0, 0, 0, 1, 0), (0,) * 5))
    assert not one_sided.over and talk.last_open(one_sided) == talk.VOTE_STEP
    assert {talk.Hands(f"0000000{digit:x}").training_first for digit in range(16)} == {True, False}


def test_counts_from_a_browser_are_taken_only_where_they_are_counts_of_this_audience():
    known = talk.Hands("5f3a9c21")
    rows = [[0, 0, 0, 0, 3], [1, 0, 0, 0, 0]]
    assert talk.counted(known, {"token": "5f3a9c21", "rows": rows}).rows == ((0, 0, 0, 0, 3), (1, 0, 0, 0, 0))
    for bad in (None, {}, {"token": "00000000", "rows": rows}, {"token": "5f3a9c21", "rows": rows[:1]},
                {"token": "5f3a9c21", "rows": [[0, 0, 0, 0, -1], [0] * 5]},
                {"token": "5f3a9c21", "rows": [[0, 0, 0, 0, 0.5], [0] * 5]},
                {"token": "5f3a9c21", "rows": [["1"] * 5, [0] * 5]}):  # fmt: skip
        assert talk.counted(known, bad) == known


# ---- the page


def words(app) -> str:
    """Everything a page says, its style sheets left out."""
    parts = [
        one.value
        for kind in ("markdown", "caption", "title", "warning", "error")
        for one in getattr(app, kind)
    ]
    said = "\n".join([*parts, *(str(one.proto.body) for one in app.get("html"))])
    return re.sub(r"<style>.*?</style>", "", said, flags=re.DOTALL)


def test_an_empty_workspace_shows_what_it_waits_for(shipped, workspace, visit):
    app = visit("leakage")
    assert not app.exception and "Getting ready" in words(app)


def test_the_first_slides_need_no_audit(shipped, workspace, visit, builders):
    from lab.data.phantom_dataset import add_phantom
    from lab.runs import requests

    add_phantom(DATASET, requests.PHANTOM_PATIENTS, requests.PHANTOM_FILMS)
    builders.finish(requests.embed_run(DATASET), {"extracted": 0, "stored": 0})
    builders.finish(requests.calibrate_run(DATASET), {"digest": "c" * 64})
    first = words(visit("leakage"))
    assert "of them repeated 20 times" in first and first.count('class="slide-film"') == 6
    second = words(visit("leakage", step="2"))
    assert second.count('class="slide-film"') == 4 and "SYNTHETIC (phantom-trained)" in second
    third = words(visit("leakage", step="3"))
    assert "Getting ready" in third and "slide-film" not in third


def test_no_step_after_the_vote_opens_before_it(ready, visit):
    app = visit("leakage", step="9", deck="5f3a9c20")
    assert not app.exception and not app.error
    said = words(app)
    assert "Is this one of the training patients?" in said
    assert not re.search("SYNTHETIC|PHANTOM|near-copy|distance|p = ", said.split("slide-title")[1])


@pytest.mark.parametrize("step", range(1, talk.STEPS + 1))
def test_every_slide_is_drawn_from_the_audit(ready, visit, step):
    app = visit("leakage", step=str(step), deck=VOTED)
    assert not app.exception and not app.error, app.error
    assert words(app).count("slide-title") == 1


def test_preparing_runs_the_audits_before_the_map(ready):
    assert ready.kinds[-3:] == ["neighbours", "audit", "audit"]


def test_the_case_is_a_near_copy_of_the_film_whose_caption_was_asked(ready):
    from lab.leakage.demo_runs import Case, case

    found = case()
    first = json.loads(_beside("planted.json"))[0]
    assert isinstance(found, Case) and found.prompt == first["caption"]
    assert found.report["verdict"]["label"] == "near-copy"
    assert found.report["neighbours"][0]["image_id"] == first["image_id"]
    assert found.report["held_out"]["split"] == "held-out"


def test_the_matrix_is_an_independent_recount(ready, visit):
    from lab.data.store import open_dataset
    from lab.runs.artifacts import read_artifact
    from lab.runs.neighbour_requests import audit_run
    from lab.runs.store import RunStore

    audit = RunStore.open().find_done(audit_run(MEMORISED_SET, DATASET).digest)
    table = pd.read_parquet(io.BytesIO(read_artifact(audit.result["table"])))
    rows = open_dataset(DATASET).rows("train")
    patient = dict(zip(rows["image_id"], rows["patient_id"], strict=True))
    copies = table.loc[table["label"] == "near-copy", "first"].map(patient)
    planted = {patient[one["image_id"]] for one in json.loads(_beside("planted.json")) if one["copies"] > 1}
    members = {patient[name] for name in json.loads(_beside("members.json"))}
    expected = [len(planted & set(copies)), len(planted - set(copies)), len((members - planted) & set(copies)),
                len(members - planted - set(copies)), int((~copies.isin(members)).sum())]  # fmt: skip
    said = words(visit("leakage", step="9", deck=VOTED))
    assert f'data-matrix="{"-".join(map(str, expected))}"' in said
    assert expected[0] >= 18 and sum(expected[:2]) == 20 and sum(expected[2:4]) == 172
    assert "none found by these detectors at this sensitivity" in said or "are near-copies" in said


def test_the_command_line_reports_the_same_counts_with_controls(ready, capsys):
    from lab.commands.main import run

    with pytest.raises(SystemExit) as ended:
        run(["leakage", "report", MEMORISED_SET, "--dataset", DATASET, "--json"])
    assert not ended.value.code
    told = json.loads(capsys.readouterr().out)
    assert told["near_copies"]["n"] == told["n"] == len(demo_set.read_demo().of(MEMORISED_SET))
    assert told["members"] == 192 and told["false_alarms"]["n"] > 0 and told["canaries"]
    best = max(told["by_detector"].values(), key=lambda one: one["near"]["hits"])
    assert best["exposed"]["hits"] >= 18 and best["exposed"]["n"] == 192 and best["alarms"]["n"] > 0
    with pytest.raises(SystemExit):
        run(["leakage", "report", "leakage-demo-well-trained", "--dataset", DATASET])
    said = capsys.readouterr().out
    assert re.search("none found by these detectors at this sensitivity|all detectors together", said)


# ---- in public


def test_in_public_only_what_the_licence_allows_is_shown(ready, visit, monkeypatch):
    monkeypatch.setenv("LAB_PUBLIC", "1")
    app = visit("leakage", step="2")
    assert "phantoms alone, whose licence allows it" in words(app)
    assert words(app).count("<img") == 4 and not app.get("download_button")
    card = ready.folder / "datasets" / DATASET / "card.json"
    allowed = card.read_bytes()
    try:
        card.write_text(json.dumps({**json.loads(allowed), "public": False}), "utf-8")
        app = visit("leakage", step="2")
        assert "nothing is shown" in words(app) and "<img" not in words(app)
    finally:
        card.write_bytes(allowed)


@pytest.mark.parametrize("level", ["The case", "The population"])
def test_in_public_a_set_of_restricted_films_is_not_offered(dataset, visit, monkeypatch, level):
    from lab.config import settings
    from lab.data.samples import NewSample, SampleSetWriter

    card = settings().datasets / dataset / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_bytes()), "public": False}), "utf-8")
    writer = SampleSetWriter("set-restricted", "small", parent=dataset)
    writer.append([NewSample(0, np.zeros((48, 48), np.uint8), {"seed": 1}, "No finding.")])
    writer.finalise()

    def offered():
        app = visit("leakage")
        app.session_state["leakage.level"] = level
        app.run()
        assert not app.exception
        return words(app), "\n".join(str(one.options) for one in app.selectbox)

    assert "small" in offered()[1] or "films" in offered()[1]
    monkeypatch.setenv("LAB_PUBLIC", "1")
    said, lists = offered()
    assert "only sets whose licence allows showing are offered" in said
    assert "small" not in lists and "Small films" not in lists


def test_a_film_that_may_not_be_shown_sends_no_pixels(monkeypatch):
    from lab.ui.leakage_demo_films import thumb, tile
    from lab.ui.viewer import Film

    film = Film(np.zeros((8, 8), np.uint8), "REAL", "<b>bold</b>", public=False)
    assert "base64" in tile(film) and "<b>" not in tile(film)
    monkeypatch.setenv("LAB_PUBLIC", "1")
    assert "base64" not in tile(film) and "licence" in tile(film) and thumb(film, "x") == ""


def _beside(name: str) -> str:
    return (ASSETS / "generators" / MEMORISED / name).read_text("utf-8")
