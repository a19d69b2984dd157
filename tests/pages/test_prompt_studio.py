"""The prompt studio: words that stay one's own, conditions and knobs, the queue, the history, recipes from PNGs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.state import PromptKey as Key

GAN = {
    "id": "skin-gan", "title": "Skin GAN", "family": "GAN", "conditioning": "class", "modality": "dermoscopy",
    "classes": ["melanoma", "nevus"], "vendors": ["vendor A", "vendor B"], "steps": 1, "guidance": 1.0,
    "knobs": [
        {"name": "psi", "title": "Truncation", "low": 0.0, "high": 1.0, "default": 0.7},
        {"name": "mirror", "title": "Mirror", "low": 0, "high": 1, "default": 0, "step": 1},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    """The small generators hold no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


@pytest.fixture
def small(generator, visit):
    """Opens the prompt page with the small generator chosen."""

    def open_page(**asked):
        app = visit("prompt", **asked)
        app.selectbox(key=Key.GENERATOR).set_value("small").run()
        assert not app.exception
        return app

    return open_page


@pytest.fixture
def gan(workspace, generator):
    """A class-conditioned GAN with two knobs, beside the small generator."""
    home = workspace / "generators"
    card = json.loads((home / "small" / "card.json").read_text()) | GAN
    (home / "skin-gan" / "model").mkdir(parents=True)
    (home / "skin-gan" / "model" / "model_index.json").write_text(
        (home / "small" / "model" / "model_index.json").read_text()
    )
    (home / "skin-gan" / "card.json").write_text(json.dumps(card | {"training_dataset": ""}))
    return "skin-gan"


def runs():
    return RunStore.open().list(kinds=("generate",))


def spec(prompt):
    """The spec of a run of the small generator, whose training images are not here."""
    chosen = {
        "generator": "small", "prompt": prompt, "negative_prompt": "", "seeds": [7, 8, 9, 10], "steps": 8,
        "guidance": 3.0, "size": 48, "dataset": None, "extractor": "efficientnet-lite0",
    }  # fmt: skip
    return RunSpec("generate", chosen, {"weights": "0" * 64}, "4 images with small")


def queue():
    """Ids of the generation runs that run or wait, in their order."""
    return [run.id for run in RunStore.open().queue() if run.kind == "generate"]


def at(app, tab):
    """The same page on another tab."""
    app.session_state[Key.TAB] = tab
    app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "caption", "html", "text", "warning", "success", "info")
    return " ".join(element.value for kind in kinds for element in app.get(kind)).replace("\\", "")


@pytest.mark.row("R3")
def test_words_of_ones_own_are_never_overwritten(small):
    app = small()
    app.get_by_key(Key.FINDINGS).set_value(["Effusion"]).run()
    assert app.text_area(key=Key.TEXT).value == "Pleural effusion." and "Composed" in said(app)
    app.text_area(key=Key.TEXT).set_value("My own words.").run()
    assert "Edited" in said(app)
    app.get_by_key(Key.FINDINGS).set_value(["Effusion", "Cardiomegaly"]).run()
    app.selectbox(key=f"{Key.SIZE}Cardiomegaly").set_value("Large").run()
    assert app.text_area(key=Key.TEXT).value == "My own words."
    app.button(key="prompt.again").click().run()
    assert app.text_area(key=Key.TEXT).value == "Pleural effusion. Severe cardiomegaly."
    app.get_by_key(Key.FINDINGS).set_value(["Cardiomegaly"]).run()
    assert app.text_area(key=Key.TEXT).value == "Severe cardiomegaly.", (
        "composed text follows the choices again"
    )
    app.button(key="prompt.back").click().run()
    assert app.text_area(key=Key.TEXT).value == "My own words." and not app.exception


@pytest.mark.row("R3", "R4")
def test_every_choice_lands_in_the_prompt_and_in_the_run(small):
    app = small()
    app.get_by_key(Key.FINDINGS).set_value(["Pneumonia"]).run()
    app.selectbox(key=f"{Key.WHERE}Pneumonia").set_value("Right upper lobe").run()
    app.get_by_key(Key.DEVICES).set_value(["Pacemaker"]).run()
    app.selectbox(key=f"{Key.WHERE}Pacemaker").set_value("Left").run()
    app.get_by_key(Key.ABSENT).set_value(["Pneumothorax"]).run()
    app.get_by_key(Key.VIEW).set_value("PA").run()
    app.get_by_key(Key.SEX).set_value("Male").run()
    app.get_by_key(Key.RACE).set_value("White").run()
    app.number_input(key=Key.AGE).set_value(65).run()
    app.text_input(key=Key.FREE).set_value("Status post lobectomy").run()
    text = (
        "65 year old WHITE male. PA view. Right upper lobe pneumonia. Left-sided pacemaker. No pneumothorax. "
        "Status post lobectomy."
    )
    assert app.text_area(key=Key.TEXT).value == text
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and runs()[0].spec.settings["prompt"] == text


def test_a_normal_film_shows_nothing_else(small):
    app = small()
    app.get_by_key(Key.FINDINGS).set_value(["Effusion", "No finding"]).run()
    assert app.text_area(key=Key.TEXT).value == "No acute finding."
    app.get_by_key(Key.FINDINGS).set_value(["No finding", "Nodule"]).run()
    assert app.text_area(key=Key.TEXT).value == "Nodule."


def test_chips_examples_and_chance_write_in_the_box(small):
    app = small()
    app.button(key="prompt.idea.1").click().run()
    assert app.text_area(key=Key.TEXT).value == "Left-sided pleural effusion and pacemaker."
    app.get_by_key(Key.CHIPS).set_value(["portable"]).run()
    assert app.text_area(key=Key.TEXT).value == "Left-sided pleural effusion and pacemaker portable."
    app.get_by_key(Key.CHIPS).set_value([]).run()
    assert app.text_area(key=Key.TEXT).value == "Left-sided pleural effusion and pacemaker."
    app.button(key="prompt.surprise").click().run()
    drawn = app.text_area(key=Key.TEXT).value
    assert drawn and drawn != "Left-sided pleural effusion and pacemaker." and not app.exception


def test_the_linter_speaks_under_the_box_and_never_blocks(small, workspace):
    card = workspace / "generators" / "small" / "card.json"
    told = {"flipped": True, "token_limit": 12}
    card.write_text(json.dumps(json.loads(card.read_text()) | told))
    app = small()
    prompt = "No effusion. Large left effusion in Mr. Smith ___ <b>and</b> much more that nobody reads."
    app.text_area(key=Key.TEXT).set_value(prompt).run()
    told = said(app)
    for words in (
        "will be cut",
        "mirrored films",
        "both asks for and denies",
        "a name",
        "was removed",
        "of 12 tokens",
    ):
        assert words in told, words
    assert "<b>" not in "".join(element.value for element in app.html), "the prompt is shown as text"
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error and runs()[0].spec.settings["prompt"] == prompt


def test_a_class_conditioned_gan_has_pills_and_knobs_and_no_steps(gan, visit):
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value(gan).run()
    assert not app.exception
    held = {
        element.key for kind in ("number_input", "slider", "text_area", "toggle") for element in app.get(kind)
    }
    assert Key.STEPS not in held and Key.GUIDANCE not in held and Key.TEXT not in held
    assert app.get_by_key(Key.CLASS).value == "melanoma", "a class must be chosen, so one is"
    app.get_by_key(Key.CLASS).set_value("nevus").run()
    app.get_by_key(Key.VENDOR).set_value("vendor B").run()
    app.slider(key=f"{Key.KNOB}psi").set_value(0.5).run()
    app.toggle(key=f"{Key.KNOB}mirror").set_value(True).run()
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error
    (run,) = runs()
    past = run.spec.settings
    assert past["prompt"] == "" and past["steps"] == 1
    assert past["condition"] == {
        "label": "nevus",
        "vendor": "vendor B",
        "numbers": {"mirror": 1.0, "psi": 0.5},
    }
    assert "Nevus, vendor B" in said(app)
    fresh = at(visit("prompt"), "History")
    fresh.button(key=f"recall.{run.id}").click().run()
    assert fresh.get_by_key(Key.CLASS).value == "nevus" and fresh.get_by_key(Key.VENDOR).value == "vendor B"
    assert (
        fresh.slider(key=f"{Key.KNOB}psi").value == 0.5
        and fresh.toggle(key=f"{Key.KNOB}mirror").value is True
    )
    fresh.button(key=Key.SUBMIT).click().run()
    assert len(runs()) == 1, "the recalled recipe is the same run"


@pytest.mark.parametrize(
    ("modality", "chosen", "text"),
    [
        (
            "dermoscopy",
            {Key.LESION: "Melanoma", Key.SYMMETRY: "asymmetric", Key.ARTEFACTS: ["ruler"]},
            "Dermoscopy of a melanoma, asymmetric, ruler.",
        ),
        (
            "cardiac MRI",
            {Key.SLICE: "Mid", Key.PHASE: "End of contraction", Key.DISEASE: "Dilated"},
            "Short-axis cine MRI, mid slice at end-systole, dilated cardiomyopathy.",
        ),
    ],
)
def test_skin_and_heart_have_composers_of_their_own(modality, chosen, text, small, workspace):
    card = workspace / "generators" / "small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"modality": modality}))
    app = small()
    for key, value in chosen.items():
        app.get_by_key(key).set_value(value).run()
    assert not app.exception and app.text_area(key=Key.TEXT).value == text


def test_a_choice_that_another_generator_does_not_know_is_dropped(small, workspace):
    from lab.data.phantoms.captions import VOCABULARY

    home = workspace / "generators"
    card = json.loads((home / "small" / "card.json").read_text())
    told = {
        "id": "words",
        "title": "Words",
        "vocabulary": list(VOCABULARY),
        "folder": str(home / "small" / "model"),
    }
    (home / "words.json").write_text(json.dumps(card | told))
    app = small()
    app.get_by_key(Key.FINDINGS).set_value(["Effusion", "Atelectasis"]).run()
    app.selectbox(key=f"{Key.WHERE}Effusion").set_value("Left").run()
    assert app.text_area(key=Key.TEXT).value == "Left-sided pleural effusion. Atelectasis."
    app.selectbox(key=Key.GENERATOR).set_value("words").run()
    assert not app.exception and app.text_area(key=Key.TEXT).value == "Left pleural effusion."


def test_generators_that_cannot_be_asked_are_named_with_the_reason(small, workspace):
    lost = json.loads((workspace / "generators" / "small" / "card.json").read_text())
    (workspace / "generators" / "lost.json").write_text(
        json.dumps(lost | {"id": "lost", "title": "Lost generator", "folder": str(workspace / "nowhere")})
    )
    app = small()
    assert "Lost generator" not in app.selectbox(key=Key.GENERATOR).options
    assert "Lost generator" in said(app)


def test_the_queue_shows_places_and_lets_one_go_first_stop_and_start_again(small, builders):
    store = RunStore.open()
    first, second, third = (store.submit(spec(f"{name} nodule.")) for name in ("First", "Second", "Third"))
    claim = store.claim_run(first.id, "test-worker")
    assert claim is not None
    app = at(small(), "Queue")
    assert queue() == [first.id, second.id, third.id]
    told = said(app)
    assert "First nodule." in told and "place 1" in told and "place 2" in told
    app.button(key=f"front.{third.id}").click().run()
    assert queue() == [first.id, third.id, second.id]
    taken = store.claim("device", "other-worker")
    assert taken is not None and taken.run.id == third.id
    app.button(key=f"cancel.queue.{second.id}").click().run()
    assert store.get(second.id).state == "cancelled"
    again = at(small(), "Queue")
    again.button(key=f"again.{second.id}").click().run()
    assert store.get(second.id).state == "queued" and not again.exception


def test_history_is_starred_noted_tagged_and_found(small, loaded, builders):
    store = RunStore.open()
    run = loaded["samples"]
    builders.finish(builders.generation_spec("films", "Severe cardiomegaly."), {"samples": []})
    app = at(small(), "History")
    assert "2 of 2 runs" in said(app)
    app.button(key=f"star.{run.id}").click().run()
    app.text_area(key=f"{Key.NOTE}{run.id}").set_value("Copies the =ribs=.").run()
    app.multiselect(key=f"{Key.TAGS}{run.id}").set_value(["Figure  2"]).run()
    fresh = at(small(), "History")
    assert "figure 2" in said(fresh) and "Copies the =ribs=." in said(fresh)
    fresh.toggle(key=Key.STARRED).set_value(True).run()
    assert "1 of 2 runs" in said(fresh)
    for query, found in (("ribs", 1), ("figure effusion", 1), ("8", 1), ("cardiomegaly", 0)):
        fresh.text_input(key=Key.SEARCH).set_value(query).run()
        assert f"{found} of 2 runs" in said(fresh), query
    fresh.toggle(key=Key.STARRED).set_value(False).run()
    fresh.text_input(key=Key.SEARCH).set_value("").run()
    fresh.get_by_key(Key.BY_VERDICT).set_value("near-copy").run()
    assert "1 of 2 runs" in said(fresh) and not fresh.exception
    assert "ribs" not in str(fresh.query_params) and store.get(run.id).label == run.label


@pytest.mark.row("C2")
def test_a_recall_of_any_seeds_and_settings_is_the_same_run(small, builders):
    from lab.generators.cards import get_card
    from lab.generators.request import request_for
    from lab.runs.requests import generate_run

    card = get_card("small")
    request = request_for(card, "Small nodule.", 4, None, steps=5, guidance=2.5, negative_prompt="noise")
    made = builders.finish(generate_run(request, None), {"samples": []})
    app = at(small(), "History")
    app.button(key=f"recall.{made.id}").click().run()
    assert app.session_state[Key.TAB] == "Prompt" and "Composed" in said(app) and "Edited" not in said(app)
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and [run.id for run in runs()] == [made.id]


def png(recipe):
    from lab.generators.sample import write_png

    return write_png(np.zeros((48, 48), np.uint8), recipe)


RECIPE = {
    "version": 1, "generator": "small", "weights": "0" * 64, "prompt": "Nodule.", "seed": 12, "steps": 5,
    "guidance": 2.0, "size": 48,
}  # fmt: skip


def test_a_recipe_is_read_back_from_a_png(small):
    app = at(small(), "History")
    app.file_uploader(key=Key.DROP).upload("sample.png", png(RECIPE), "image/png").run()
    assert not app.exception and app.session_state[Key.TAB] == "Prompt"
    assert app.text_area(key=Key.TEXT).value == "Nodule." and app.number_input(key=Key.SEED).value == 12
    assert app.number_input(key=Key.COUNT).value == 1 and app.session_state[Key.STEPS] == 5
    assert "Generate makes this image again" in said(app)


@pytest.mark.fault(3)
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no picture", "not a PNG"),
        (png(RECIPE)[:60], "damaged"),
        (png(RECIPE | {"generator": "elsewhere"}), "'elsewhere', which is not here"),
        (png(RECIPE | {"steps": "many"}), "does not fit its generator"),
        (png(RECIPE | {"seed": -1}), "does not fit its generator"),
        (png(RECIPE | {"prompt": 7}), "does not fit its generator"),
        (png(RECIPE | {"size": [48]}), "does not fit its generator"),
        (png({"version": 9}), "cannot be read"),
    ],
)
def test_a_png_that_gives_no_recipe_is_told_in_one_sentence(data, says, generator):
    from lab.errors import LabError
    from lab.ui.prompt_recipe import recipe_in

    with pytest.raises(LabError, match=says) as refused:
        recipe_in(data)
    assert "\n" not in str(refused.value) and str(refused.value).endswith(".")


def test_a_png_without_recipe_and_one_of_other_weights_say_so(generator):
    from lab.data.images import encode_png
    from lab.errors import InputError
    from lab.ui.prompt_recipe import recipe_in

    with pytest.raises(InputError, match="holds no recipe"):
        recipe_in(encode_png(np.zeros((8, 8), np.uint8)))
    request, told = recipe_in(png(RECIPE | {"weights": "f" * 64}))
    assert request.seeds == (12,) and "other weights" in told
    assert recipe_in(png(RECIPE))[1] == ""


def test_marks_belong_to_one_person_and_are_limited(workspace):
    from lab.errors import InputError
    from lab.runs.marks import Mark, marks_of, person_key, set_mark

    store = RunStore.open()
    ann, ben = person_key("Ann@lab.org"), person_key("ben@lab.org")
    assert ann == person_key(" ann@LAB.org ") and "ann" not in ann and person_key("") == "local"
    set_mark(store, ann, Mark("r1", True, "mine", ("b", "A", "a ")))
    assert marks_of(store, ann) == {"r1": Mark("r1", True, "mine", ("a", "b"))} and marks_of(store, ben) == {}
    set_mark(store, ann, Mark("r1"))
    assert marks_of(store, ann) == {}
    for bad in (
        Mark("r1", note="x" * 2001),
        Mark("r1", tags=("y" * 31,)),
        Mark("r1", tags=tuple("abcdefghijklm")),
    ):
        with pytest.raises(InputError, match="nothing was stored"):
            set_mark(store, ann, bad)


def test_a_store_of_before_gets_the_table_for_marks(workspace):
    import sqlite3

    from lab.config import settings
    from lab.runs.marks import Mark, marks_of, set_mark

    RunStore.open().close()
    path = Path(settings().store_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE run_marks")
    store = RunStore(settings().store_url)
    set_mark(store, "local", Mark("r1", True))
    assert marks_of(store, "local")["r1"].starred
    store.close()


def badge(app):
    """Whose words the page says are in the box."""
    told = ("Composed", "Edited", "Free text", "Recalled", "Example", "Drawn by chance")
    found = [
        one.value for one in app.markdown if "-badge[" in one.value and any(w in one.value for w in told)
    ]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.row("R3")
def test_a_recalled_prompt_fills_the_fields_that_make_it(small, builders):
    past = builders.finish(
        spec("Small left-sided pleural effusion. Severe cardiomegaly. As before."), {"samples": []}
    )
    app = at(small(), "History")
    app.button(key=f"recall.{past.id}").click().run()
    assert app.get_by_key(Key.FINDINGS).value == ["Effusion", "Cardiomegaly"] and "Composed" in badge(app)
    assert app.selectbox(key=f"{Key.SIZE}Effusion").value == "Small"
    assert app.selectbox(key=f"{Key.WHERE}Effusion").value == "Left"
    assert app.text_input(key=Key.FREE).value == "As before."
    app.selectbox(key=f"{Key.SIZE}Effusion").set_value("Large").run()
    assert (
        app.text_area(key=Key.TEXT).value
        == "Large left-sided pleural effusion. Severe cardiomegaly. As before."
    )


def test_recalled_words_that_no_field_makes_say_where_they_come_from(small, builders):
    words = "left-sided pleural effusion and pacemaker"
    past = builders.finish(spec(words), {"samples": []})
    app = at(small(), "History")
    app.button(key=f"recall.{past.id}").click().run()
    assert f"Recalled from run {past.id[:4]}" in badge(app) and not app.get_by_key(Key.FINDINGS).value
    app.get_by_key(Key.FINDINGS).set_value(["Nodule"]).run()
    assert app.text_area(key=Key.TEXT).value == words and "Recalled" in badge(app), (
        "words of the past are kept"
    )
    app.text_area(key=Key.TEXT).set_value(words + ", small").run()
    assert "Edited" in badge(app)
    app.get_by_key(Key.FINDINGS).set_value([]).run()
    app.text_area(key=Key.TEXT).set_value("").run()
    app.text_area(key=Key.TEXT).set_value("Written from nothing.").run()
    assert "Free text" in badge(app)


@pytest.mark.parametrize(
    ("words", "findings", "told"),
    [
        ("Small right-sided pneumothorax.", ["Pneumothorax"], "Composed"),
        ("a film of ribs", [], "Recalled from run"),
    ],
)
def test_after_a_reload_a_prompt_that_nobody_touched_is_not_called_edited(
    words, findings, told, small, visit, builders
):
    past = builders.finish(spec(words), {"samples": []})
    app = visit("prompt", run=past.id)
    assert not app.exception and app.text_area(key=Key.TEXT).value == words
    assert app.get_by_key(Key.FINDINGS).value == findings and told in badge(app)
    assert app.number_input(key=Key.SEED).value not in past.spec.settings["seeds"], "the seed stays a new one"


def test_an_example_is_an_example_until_a_field_changes(small, monkeypatch):
    import lab.ui.prompt_form

    monkeypatch.setattr(lab.ui.prompt_form, "examples_for", lambda card: ("ribs and heart",))
    app = small()
    app.button(key="prompt.idea.0").click().run()
    assert "Example" in badge(app)
    app.get_by_key(Key.FINDINGS).set_value(["Nodule"]).run()
    assert app.text_area(key=Key.TEXT).value == "Nodule." and "Composed" in badge(app)


def test_a_class_is_read_by_its_name_and_asked_for_by_its_code(gan, visit, workspace):
    file = workspace / "generators" / gan / "card.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"classes": ["mel", "nv"]}))
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value(gan).run()
    pills = app.get_by_key(Key.CLASS)
    assert [one.content for one in pills.proto.options] == ["Melanoma (mel)", "Melanocytic nevus (nv)"]
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and runs()[0].spec.settings["condition"]["label"] == "mel"
    assert "Melanoma (mel)" in said(app)
