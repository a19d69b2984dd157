"""The prompt page: words from choices, refusals at the border, one run a click, recall, review."""

from __future__ import annotations

import pytest

from lab.runs.store import RunStore
from lab.ui.state import PromptKey as Key


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    """The small generator holds no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


def runs():
    return RunStore.open().list(kinds=("generate",))


@pytest.fixture
def closed(workspace, generator):
    """The small generator with the phantoms' words for its vocabulary."""
    from lab.data.phantoms.captions import VOCABULARY

    amend(workspace, vocabulary=list(VOCABULARY))


def amend(workspace, **changes):
    """Change the small generator's card."""
    import json

    card = workspace / "generators" / "small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def small(visit, **asked):
    """The prompt page with the small generator chosen."""
    app = visit("prompt", **asked)
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    return app


def test_pills_fill_the_box_and_generate_starts_one_run(visit, closed):
    app = small(visit)
    app.get_by_key(Key.FINDINGS).set_value(["Effusion"]).run()
    app.selectbox(key=f"{Key.WHERE}Effusion").set_value("Left").run()
    assert app.text_area(key=Key.TEXT).value == "Left pleural effusion."
    seed = app.number_input(key=Key.SEED).value
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error
    (run,) = runs()
    assert run.spec.settings["prompt"] == "Left pleural effusion."
    assert run.spec.settings["seeds"] == [(seed + step) % 2**32 for step in range(4)]
    assert app.query_params["run"] == run.id


@pytest.mark.fault(44)
def test_a_double_click_and_a_second_tab_give_one_run(visit, generator):
    app = visit("prompt")
    app.text_area(key=Key.TEXT).set_value("Severe cardiomegaly.").run()
    app.toggle(key=Key.LOCK).set_value(True).run()
    app.button(key=Key.SUBMIT).click().run()
    app.button(key=Key.SUBMIT).click().run()
    assert len(runs()) == 1
    other = visit("prompt")
    for key in (Key.SEED, Key.COUNT):
        other.number_input(key=key).set_value(app.number_input(key=key).value)
    other.text_area(key=Key.TEXT).set_value("Severe cardiomegaly.").run()
    other.button(key=Key.SUBMIT).click().run()
    assert len(runs()) == 1
    assert other.session_state[Key.RUN] == app.session_state[Key.RUN]


@pytest.mark.fault(26, 27)
@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (Key.TEXT, "", "empty"),
        (Key.TEXT, "x" * 10_000, "10,000 characters"),
        (Key.TEXT, "effusion \x07", "control characters"),
        (Key.COUNT, 0, "1 to 64"),
        (Key.COUNT, 10_000, "1 to 64"),
        (Key.STEPS, 0, "1 to 1000"),
        (Key.STEPS, 10**6, "1 to 1000"),
    ],
)
def test_values_out_of_range_are_refused_in_one_sentence(key, value, says, visit, generator):
    app = visit("prompt")
    app.text_area(key=Key.TEXT).set_value("No acute finding.").run()
    box = app.text_area(key=key) if key is Key.TEXT else app.number_input(key=key)
    box.set_value(value).run()
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception
    text = app.error[0].value.replace("\\", "")
    assert says in text and "nothing was started" in text
    assert runs() == []


@pytest.mark.fault(27, 30)
@pytest.mark.parametrize("value", [-1, 2**32, 2**64])
def test_a_seed_sent_by_hand_is_refused(value, visit, generator):
    from lab.errors import InputError
    from lab.generators.cards import get_card
    from lab.generators.request import GenerationRequest

    with pytest.raises(InputError, match="nothing was started"):
        GenerationRequest("small", "effusion", (value,), 8, 3.0, 48).checked(get_card("small"))


@pytest.mark.fault(26)
def test_a_hostile_prompt_is_shown_as_text(visit, dataset, generator, builders, loaded):
    hostile = "<script>alert(1)</script> [link](http://x) **bold** $x^2$ ![](http://x/y.png) مرحبا 🫁"
    run = builders.finish(
        builders.generation_spec(dataset, hostile),
        {**loaded["samples"].result, "truncated": ["**last**", "<b>"]},
    )
    app = visit("prompt", run=run.id)
    assert not app.exception
    assert hostile in [element.value for element in app.text]
    marked = [element.value for kind in ("markdown", "html", "caption") for element in app.get(kind)]
    assert not any("<script>" in text or "](http://x)" in text for text in marked)
    assert "\\*\\*last\\*\\* \\<b\\>" in app.warning[0].value


def test_recall_puts_the_whole_recipe_back(visit, loaded):
    app = visit("prompt")
    app.session_state[Key.TAB] = "History"
    app.run()
    app.button(key=f"recall.{loaded['samples'].id}").click().run()
    assert not app.exception and app.session_state[Key.TAB] == "Prompt"
    assert app.text_area(key=Key.TEXT).value == "Large right pleural effusion."
    assert app.number_input(key=Key.SEED).value == 7 and app.number_input(key=Key.COUNT).value == 4
    assert app.toggle(key=Key.LOCK).value is True


@pytest.mark.fault(43, 45)
def test_a_reload_finds_the_run_and_cancel_works_twice(visit, dataset, generator, builders):
    run = RunStore.open().submit(builders.generation_spec(dataset))
    app = visit("prompt", run=run.id)
    assert not app.exception
    app.button(key=f"cancel.panel.{run.id}").click().run()
    assert RunStore.open().get(run.id).state == "cancelled"
    again = visit("prompt", run=run.id)
    assert "finished batches are kept" in again.warning[0].value.replace("\\", "")
    again.button(key=f"resume.{run.id}").click().run()
    assert RunStore.open().get(run.id).state == "queued"


def test_a_review_is_stored_filtered_and_exported(visit, loaded):
    from lab.ui import reviews
    from lab.ui.state import ReviewKey

    sample = loaded["samples"].result["samples"][0]
    app = visit("prompt", run=loaded["samples"].id)
    app.get_by_key(f"{ReviewKey.QUALITY}{sample['digest']}").set_value(3).run()
    app.get_by_key(f"{ReviewKey.FLAGS}{sample['digest']}").set_value(["looks copied"]).run()
    app.text_input(key=f"{ReviewKey.NOTE}{sample['digest']}").set_value("=HYPERLINK(1)").run()
    assert not app.exception
    (kept,) = reviews.every()
    assert (kept.quality, kept.flags, kept.run) == (4, ("looks copied",), loaded["samples"].id)
    assert reviews.matching([kept], 5, []) == [] and reviews.matching([kept], 4, ["looks copied"]) == [kept]
    text = reviews.as_csv([reviews.row(kept)]).decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text and ",=HYPERLINK" not in text
    fresh = visit("prompt", run=loaded["samples"].id)
    assert fresh.text_input(key=f"{ReviewKey.NOTE}{sample['digest']}").value == "=HYPERLINK(1)"


def test_a_review_that_says_nothing_new_is_not_stored(visit, loaded):
    """Stars that take the place of another sample's report a change although nobody clicked them."""
    from lab.ui import review_panel, reviews
    from lab.ui.state import ReviewKey

    run, sample = loaded["samples"].id, loaded["samples"].result["samples"][0]
    app = visit("prompt", run=run)
    assert any(f"seed {sample['seed']}" in one.value for one in app.markdown if "Quick review" in one.value)
    app.get_by_key(f"{ReviewKey.QUALITY}{sample['digest']}").set_value(3).run()
    (kept,) = reviews.every()
    app.get_by_key(f"{ReviewKey.QUALITY}{sample['digest']}").set_value(3).run()
    review_panel._store(loaded["samples"].result["samples"][1]["digest"], run)
    assert reviews.every() == [kept]


def test_the_picked_sample_follows_the_viewer(visit, loaded):
    app = visit("prompt", run=loaded["samples"].id)
    app.session_state[Key.PICKED] = 2
    app.run()
    assert not app.exception
    assert "Seed" in "".join(element.value for element in app.html) and "9" in "".join(
        e.value for e in app.html
    )


def test_a_generator_that_copies_on_purpose_comes_last_and_says_so(visit, generator, workspace):
    import json
    import shutil

    home = workspace / "generators"
    shutil.copytree(home / generator, home / "copier")
    card = home / "copier" / "card.json"
    told = {
        "id": "copier",
        "title": "Copier",
        "phantom_trained": True,
        "over_trained": True,
        "guidance": 1.5,
        "steps": 9,
    }
    card.write_text(json.dumps(json.loads(card.read_text()) | told | {"examples": ["Small left nodule."]}))
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("copier").run()
    assert not app.exception
    assert (app.session_state[Key.GUIDANCE], app.session_state[Key.STEPS]) == (1.5, 9)
    assert any("Over-trained on purpose" in text.value for text in app.caption)
    offered = list(app.selectbox(key=Key.GENERATOR).options)
    ordinary = [offered.index(title) for title in ("Phantom chest radiographs", "Small generator")]
    assert offered.index("Copier") > max(ordinary)


def test_a_generator_of_three_captions_offers_them_and_says_so(visit, generator, workspace):
    import json

    card = workspace / "generators" / "small" / "card.json"
    captions = ["Normal film.", "Bacterial pneumonia.", "Viral pneumonia."]
    card.write_text(json.dumps(json.loads(card.read_text()) | {"captions": captions}))
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    assert any("trained on these 3 captions only" in text.value for text in app.caption)
    app.get_by_key(Key.CAPTION).set_value("Viral pneumonia.").run()
    assert not app.exception and app.text_area(key=Key.TEXT).value == "Viral pneumonia."


def test_only_findings_a_generator_knows_are_offered(visit, generator, workspace):
    import json

    card = workspace / "generators" / "small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"vocabulary": ["effusion", "finding"]}))
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    assert list(app.get_by_key(Key.FINDINGS).options) == ["No finding", "Effusion"]


def test_a_generator_whose_films_are_not_here_says_how_to_add_them(visit, generator, workspace):
    import json

    card = workspace / "generators" / "small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"training_dataset": "far-away"}))
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    (told,) = [text.value for text in app.caption if "dataset add" in text.value]
    assert "--id far-away" in told and "not on this machine" in told


ABOUT = {
    "model": "phantom-clip",
    "why": "",
    "films": 300,
    "tells_apart": 0.96,
    "sides": 0.93,
    "sides_films": 120,
}
READING = {
    "cosine": 0.412,
    "matched": 0.42,
    "mismatched": 0.98,
    "swapped": 0.3,
    "side_as_asked": True,
    "note": "",
}


def with_fit(result, about, **changes):
    """A generation result whose samples were compared with the prompt."""
    reading = {**READING, **changes} if not about.get("why") else None
    samples = [{**one, "alignment": {**one["alignment"], "text_image": reading}} for one in result["samples"]]
    return {**result, "samples": samples, "text_image": about}


def said(app):
    """Everything the page says, without the marks of Markdown."""
    return " ".join(element.value for kind in ("markdown", "caption") for element in app.get(kind)).replace(
        "\\", ""
    )


def test_the_card_says_whether_a_sample_fits_its_prompt(visit, dataset, generator, builders, loaded):
    result = with_fit(loaded["samples"].result, ABOUT)
    run = builders.finish(builders.generation_spec(dataset, "Small left effusion."), result)
    app = visit("prompt", run=run.id)
    assert not app.exception
    assert "fits the prompt" in said(app) and "side as asked" in said(app)
    assert "better than 98 of 100 films agree with a wrong caption" in said(app)
    (line,) = [one for one in app.markdown if "fits the prompt" in one.value]
    told = line.proto.help.replace("\\", "")
    assert "300 films of patients that no model has seen" in told and "96 % of pairs" in told
    assert "93 %" in told and "Cosine 0.412" in told
    assert "cosine" not in said(app).lower(), "numbers of the model stay in the tooltip"


def test_a_sample_of_another_finding_and_side_is_told_so(visit, dataset, generator, builders, loaded):
    wrong = with_fit(
        loaded["samples"].result,
        ABOUT,
        matched=0.0,
        mismatched=0.4,
        side_as_asked=False,
        note="One word *left*.",
    )
    run = builders.finish(builders.generation_spec(dataset, "Large left nodule."), wrong)
    app = visit("prompt", run=run.id)
    assert "does not fit the prompt" in said(app) and "side: more like the other one" in said(app)
    assert "worse than 99 of 100 agree with their own" in said(app) and "One word *left*." in said(app)


def test_a_prompt_that_cannot_be_compared_is_explained_and_old_runs_are_silent(
    visit, dataset, generator, builders, loaded
):
    why = "Samples and prompts are not compared, because the text-image model is not here; train it."
    result = with_fit(loaded["samples"].result, {"why": why})
    run = builders.finish(builders.generation_spec(dataset, "No acute finding."), result)
    app = visit("prompt", run=run.id)
    assert not app.exception and why in said(app) and "fits the prompt" not in said(app)
    old = visit("prompt", run=loaded["samples"].id)
    assert not old.exception and "not compared" not in said(old)
