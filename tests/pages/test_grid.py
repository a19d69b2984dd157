"""The grid tab: axes over the composer, one run a click, cells, differences, exports, one word, settings measured."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from lab.runs.grid_requests import grid_of, made_cells
from lab.runs.store import RunStore
from lab.ui.grid_state import GRID, SETTINGS, WORD
from lab.ui.grid_words import LEFT_OUT, alternatives, phrases, spoken
from lab.ui.state import GridKey as Key
from lab.ui.state import PromptKey
from tests.builders.runs import claimed, finish

PROMPT = "Large right pleural effusion."


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    """The small generator holds no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


def grids():
    return RunStore.open().list(kinds=("grid",))


@pytest.fixture
def tab(visit, dataset, generator):
    """The grid tab with the small generator and a prompt in the composer."""
    app = visit("prompt")
    app.selectbox(key=PromptKey.GENERATOR).set_value("small").run()
    app.text_area(key=PromptKey.TEXT).set_value(PROMPT).run()
    app.session_state[PromptKey.TAB] = "Grid"
    return app.run()


def said(app) -> str:
    kinds = ("markdown", "caption", "info", "error", "warning", "text")
    return " ".join(element.value for kind in kinds for element in app.get(kind)).replace("\\", "")


def components(app) -> str:
    return "\n".join(str(one.proto) for one in app.get("bidi_component"))


def test_words_of_a_prompt_are_offered_those_that_ask_a_question_first():
    assert phrases(PROMPT) == ["right", "large", "pleural effusion"]
    assert alternatives("right") == ["right", "left", "bilateral", LEFT_OUT]
    assert alternatives("right", ("right", "left")) == ["right", "left", LEFT_OUT]
    assert phrases("Nevus with a regular border.")[0] == "regular" and phrases("") == []
    assert spoken(["left", LEFT_OUT]) == ["left", ""]


def test_a_grid_of_words_by_seeds_is_one_run(tab):
    assert not tab.exception and tab.session_state[Key.MODE] == GRID
    assert "All else as in the composer: “Large right pleural effusion.”" in said(tab)
    button = tab.button(key=Key.SUBMIT)
    assert button.label == "Make the grid: 16 samples"
    button.click().run()
    assert not tab.exception and not tab.error
    (run,) = grids()
    asked = grid_of(run.spec)
    assert asked.columns.kind == "word" and asked.columns.values == ("right", "left", "bilateral", "")
    seed = tab.session_state[PromptKey.SEED]
    assert asked.rows.values == tuple((seed + step) % 2**32 for step in range(4))
    assert len(run.spec.settings["cells"]) == 16 and run.spec.settings["cells"][1]["request"][
        "prompt"
    ].startswith("Large left")
    assert run.spec.settings["datasets"] == {"small": "films"}
    tab.button(key=Key.SUBMIT).click().run()
    assert len(grids()) == 1, "the same question is not asked twice"


def test_an_empty_composer_and_impossible_values_are_told_in_a_sentence(tab):
    tab.get_by_key(Key.COLUMNS).set_value("steps").run()
    tab.get_by_key(f"{Key.VALUES}columns.small.steps").set_value(["99999"]).run()
    assert tab.button(key=Key.SUBMIT).disabled and "Steps must be a whole number from 1" in said(tab)
    tab.get_by_key(Key.ROWS).set_value("steps").run()
    assert "change different things" in said(tab) and not tab.exception
    tab.session_state[PromptKey.TEXT] = ""
    tab.run()
    assert not tab.exception and "comes from the composer" in said(tab) and grids() == []


def result_of(run, seed=0):
    """A finished result for a queued grid, of noise."""
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import open_dataset
    from lab.runs.artifacts import write_artifact

    rng = np.random.default_rng(seed)
    held_out, train = (
        open_dataset("films").rows(split)["image_id"].tolist() for split in ("held-out", "train")
    )
    near = {"patient_id": "p1", "distance": 0.1, "registered": 0.2, "variant": "as is", "found_by": []}
    writer = SampleSetWriter("grid-set", "small", parent="films")
    samples = []
    for number, cell in enumerate(run.spec.settings["cells"]):
        request = cell["request"]
        pixels = rng.integers(0, 256, (48, 48), dtype=np.uint8)
        (image_id,) = writer.append(
            [NewSample(number, pixels, {"seed": request["seeds"][0]}, request["prompt"])]
        )
        fit = {
            "matched": 0.5,
            "mismatched": 0.98 if number else 0.5,
            "cosine": 0.4,
            "side_as_asked": None,
            "note": "",
        }
        samples.append({
            "image_id": image_id, "digest": "0" * 64, "sample_set": "grid-set", "seed": request["seeds"][0],
            "artifact": write_artifact(encode_png(pixels), ".png"), "prompt": request["prompt"], "generator": "small",
            "recipe": {"device": "cpu", "steps": request["steps"], "guidance": request["guidance"]},
            "verdict": {"label": ("near-copy", "ordinary")[number > 0], "p": 0.01, "n_reference": 24, "detectors": []},
            "neighbours": [{"image_id": name, "split": "train", **near} for name in train[:5]],
            "held_out": {"image_id": held_out[0], "split": "held-out", **near}, "identical": None,
            "alignment": {"label": "effusion", "probability": 0.8, "asked": None, "text_image": fit}, "off_map": False,
            "text_image": {"why": "", "model": "toy", "films": 30, "tells_apart": 0.9, "sides": None},
        })  # fmt: skip
    writer.finalise()
    return {"sample_set": "grid-set", "sample_sets": {"small": "grid-set"}, "samples": samples, "notes": []}


@pytest.fixture
def done(tab):
    """The tab with a finished grid of 4 x 4."""
    tab.button(key=Key.SUBMIT).click().run()
    (run,) = grids()
    finish(run, result_of(run))
    return tab.run()


@pytest.mark.row("R9")
def test_a_finished_grid_shows_cells_their_badges_and_the_pair_with_its_difference(done):
    assert not done.exception and "SYNTHETIC" in said(done) and "16 cells" in said(done)
    drawn = components(done)
    assert "Prompt word: right" in drawn and "(left out)" in drawn and "near-copy" in drawn
    html = " ".join(one.proto.body for one in done.get("html"))
    assert (
        "Patient’s right" in html and "Selected minus the first in its row" in html and "grey levels" in html
    )
    run = grids()[0]
    done.session_state[Key.PICKED] = 6
    done.session_state[f"{Key.AGAINST}.{run.id}"] = "One cell"
    done.session_state[Key.SHOWN] = "Differences"
    done.run()
    html = " ".join(one.proto.body for one in done.get("html"))
    assert "Selected minus the reference" in html and not done.exception
    done.button(key=f"{Key.PAIR}.reference.{run.id}").click().run()
    assert done.session_state[Key.REFERENCE] == 6 and "This is the reference" in said(done)


def test_a_cell_opens_beside_its_nearest_training_images(done, visit):
    (run,) = grids()
    assert "See its nearest training images" in [link.label for link in done.get("page_link")]
    cell = run.result["samples"][5]
    app = visit("neighbours", set=run.id, sample=cell["image_id"])
    assert not app.exception and not app.error
    asked = next(one for one in app.selectbox if one.label == "Sample")
    assert asked.value == cell[
        "image_id"
    ] and f"6. seed {cell['seed']}, ordinary · {cell['prompt'][:20]}" in str(asked.options)
    assert "This sample has no neighbours" not in said(app)


@pytest.mark.row("R9")
def test_the_exports_are_one_png_and_one_csv_a_row_a_cell(done):
    from lab.report.grid_files import ROW, natural, picture_of, table_of

    run = RunStore.open().get(grids()[0].id)
    assert natural(run) == ROW, "seeds in the rows: cells are compared along their own"
    with Image.open(io.BytesIO(picture_of(run))) as image:
        assert json.loads(image.text["doppel:grid"])["digest"] == run.digest and image.width > 4 * 128
    lines = table_of(run, ROW).splitlines()
    assert len(lines) == 17 and lines[0].startswith("Seed,Prompt word: right,seed,generator,prompt")
    assert "Small films" not in lines[1] and ",near-copy," in lines[1] and lines[1].split(",")[1] == "right"
    keys = {one.key for one in done.get("download_button")}
    assert {f"{Key.TABLE}.png.{run.id}", f"{Key.TABLE}.csv.{run.id}"} <= keys


def test_a_cell_is_recalled_into_the_composer(done):
    run = grids()[0]
    done.session_state[Key.PICKED] = 5
    done.run()
    done.button(key=f"{Key.PAIR}.recall.{run.id}").click().run()
    assert done.session_state[PromptKey.TEXT] == "Large left pleural effusion."
    assert done.session_state[PromptKey.SEED] == run.spec.settings["cells"][5]["request"]["seeds"][0]
    assert done.session_state[PromptKey.LOCK] and done.session_state[PromptKey.TAB] == "Prompt"


def test_a_cancelled_grid_shows_the_cells_it_has(tab):
    tab.button(key=Key.SUBMIT).click().run()
    (run,) = grids()
    store, claim = RunStore.open(), claimed(run)
    from lab.config import settings
    from lab.runs.context import RunContext
    from lab.runs.resident import Residents

    context = RunContext(settings(), Residents(), store, claim)
    from lab.data.images import encode_png

    records = [
        {"artifact": context.artifact(encode_png(np.full((48, 48), 9 * n, np.uint8)), ".png"), "recipe": {}}
        for n in range(4)
    ]
    context.save_part("cells-0", json.dumps(records).encode())
    store.cancel(run.id)
    store.mark_cancelled(claim.token)
    tab.run()
    assert not tab.exception and "finished are kept" in said(tab) and "not made" in components(tab)
    assert sorted(made_cells(store.get(run.id))) == [0, 1, 2, 3]
    assert tab.button(key=f"resume.{run.id}")


@pytest.mark.row("R9")
def test_one_word_is_changed_over_several_seeds(tab):
    tab.get_by_key(Key.MODE).set_value(WORD).run()
    assert tab.button(key=Key.SUBMIT).label == "Change the word: 8 samples"
    tab.button(key=Key.SUBMIT).click().run()
    (run,) = grids()
    asked = grid_of(run.spec)
    assert (
        asked.mode == "counterfactual"
        and asked.columns.values == ("right", "left")
        and len(asked.rows.values) == 4
    )


@pytest.mark.row("R9")
def test_a_sample_opens_the_form_with_its_own_recipe(tab, loaded):
    from lab.ui import grid_state

    sample = loaded["samples"].result["samples"][1]
    recipe = {"version": 1, "generator": "small", "prompt": "Small left effusion.", "seed": 8}
    recipe |= {"steps": 8, "guidance": 3.0, "size": 48}
    seen = {}

    class State(dict):
        pass

    def put_in(request, whence):
        seen["request"] = request

    import streamlit as st

    patch = pytest.MonkeyPatch()
    patch.setattr(grid_state, "put_in", put_in)
    patch.setattr(st, "session_state", State())
    try:
        grid_state.change_one_word(loaded["samples"], {**sample, "recipe": recipe})
        assert seen["request"].prompt == "Small left effusion." and seen["request"].seeds == (8,)
        assert st.session_state[Key.MODE] == WORD and st.session_state[PromptKey.TAB] == "Grid"
    finally:
        patch.undo()


@pytest.mark.row("XI-08")
def test_one_launch_of_the_form_queues_six_groups(tab, monkeypatch):
    import lab.ui.sweep_form

    monkeypatch.setattr(lab.ui.sweep_form, "readiness", lambda *args: True)
    tab.get_by_key(Key.MODE).set_value(SETTINGS).run()
    assert not tab.exception
    tab.number_input(key=Key.SWEEP_COUNT).set_value(4).run()
    button = tab.button(key=Key.SWEEP_SUBMIT)
    assert button.label == "Measure 6 settings", "three guidance scales by two numbers of steps"
    button.click().run()
    assert not tab.exception and not tab.error
    runs = RunStore.open().list(kinds=("generate",))
    assert len(runs) == 6
    assert {(one.spec.settings["steps"], one.spec.settings["guidance"]) for one in runs} == {
        (steps, scale) for steps in (4, 8) for scale in (1.0, 3.0, 6.0)
    }
    assert "0 of 12 runs done" in " ".join(
        one.proto.text for one in tab.get("progress")
    ) or "runs done" in str(tab.main)


@pytest.fixture
def hearts(workspace, generator):
    """The small generator as one that is told a mask, a vendor and a number of its own."""
    file = workspace / "generators" / "small" / "card.json"
    card = json.loads(file.read_text()) | {
        "modality": "cardiac MRI", "conditioning": "mask", "family": "flow matching", "vendors": ["Siemens", "Philips"],
        "structures": ["left ventricle", "myocardium", "right ventricle"],
        "knobs": [{"name": "psi", "title": "Truncation", "low": 0.0, "high": 1.0, "default": 0.8}],
    }  # fmt: skip
    file.write_text(json.dumps(card), "utf-8")


def test_masks_by_vendors_and_numbers_of_its_own_are_axes_too(visit, dataset, hearts):
    app = visit("prompt")
    app.selectbox(key=PromptKey.GENERATOR).set_value("small").run()
    from lab.generators.condition import encode_mask
    from lab.generators.mask_hearts import sample_heart

    own = encode_mask(sample_heart(1, 48, ("left ventricle", "myocardium", "right ventricle")))
    app.session_state[PromptKey.MASK] = own
    app.session_state[PromptKey.TAB] = "Grid"
    app.run()
    assert not app.exception, app.exception
    offered = app.selectbox(key=Key.COLUMNS).options
    assert offered[:6] == ["Vendor", "Mask", "Truncation", "Seed", "Guidance scale", "Steps"]
    app.get_by_key(Key.COLUMNS).set_value("mask").run()
    app.get_by_key(Key.ROWS).set_value("vendor").run()
    assert app.button(key=Key.SUBMIT).label == "Make the grid: 8 samples"
    app.button(key=Key.SUBMIT).click().run()
    (run,) = grids()
    told = [cell["request"]["condition"] for cell in run.spec.settings["cells"]]
    assert [one["vendor"] for one in told] == ["Siemens"] * 4 + ["Philips"] * 4
    assert (
        len({one["mask"] for one in told}) == 4 and grid_of(run.spec).columns.labels[0] == "composer's mask"
    )
    app.get_by_key(Key.COLUMNS).set_value("knob:psi").run()
    app.get_by_key(f"{Key.VALUES}columns.small.knob:psi").set_value(["0.25", "0.75"]).run()
    app.button(key=Key.SUBMIT).click().run()
    (newest, _) = grids()
    assert {cell["request"]["condition"]["numbers"]["psi"] for cell in newest.spec.settings["cells"]} == {
        0.25,
        0.75,
    }
    assert len(newest.spec.settings["groups"]) == 2, "numbers of a generator's own are one a micro-batch"


def test_values_of_a_number_span_its_range_and_hold_its_usual_value():
    from lab.generators.card import Knob
    from lab.ui.grid_form import spread

    def knob(default: float) -> Knob:
        return Knob("psi", "Truncation", 0.0, 1.5, default, 0.1, "How far from the mean.")

    assert spread(knob(0.8)) == [0.0, 0.375, 0.8, 1.125, 1.5]
    assert spread(knob(0.75)) == [0.0, 0.375, 0.75, 1.125, 1.5] and spread(knob(1.5))[-1] == 1.5
    assert spread(knob(1.4)) == [0.0, 0.375, 0.75, 1.4, 1.5]


def test_every_value_of_an_axis_is_seen_without_opening_its_list(tab):
    values = [one for one in tab.multiselect if str(one.key).startswith(Key.VALUES)]
    assert values and all(one.proto.wrap for one in values)


def test_the_two_films_beside_a_grid_say_of_which_class_each_is(monkeypatch):
    from types import SimpleNamespace

    from lab.generators.condition import Condition
    from lab.generators.request import GenerationRequest
    from lab.ui import grid_pair

    monkeypatch.setattr(grid_pair, "sample_film", lambda sample, note, words, public: words)
    for name in ("note_of", "is_public", "dataset_of"):
        monkeypatch.setattr(grid_pair, name, lambda *asked: "")
    request = GenerationRequest("skin", "", (7,), 40, 2.0, 64, condition=Condition("MEL"))
    one = SimpleNamespace(cell=SimpleNamespace(request=request), sample={}, artifact="")
    words = grid_pair._film(SimpleNamespace(), one, "selected")
    assert words.startswith("selected: Melanoma (MEL)\nseed 7")
