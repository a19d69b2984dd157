"""The Library's generators: table and filters, one opened, a card added by the form, downloads and trainings shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.generators.cards import all_cards, get_card, ready_cards
from lab.runs.spec import Progress, RunSpec
from lab.runs.store import RunStore
from lab.ui.state import GeneratorKey as Key
from lab.ui.state import LibraryKey, PromptKey
from tests.builders.runs import claimed

COMMIT = "c" * 40


@pytest.fixture
def shown(visit: Callable[..., Any]) -> Callable[..., Any]:
    """The generators of the Library with a session prepared."""

    def show(**state: Any) -> Any:
        app = visit("library")
        app.session_state[LibraryKey.TAB] = "Generators"
        for name, value in state.items():
            app.session_state[getattr(Key, name)] = value
        app.run()
        assert not app.exception
        return app

    return show


def words(app: Any) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.success, *app.info, *app.warning]
    return " ".join(str(one.value) for one in told).replace("\\", "")


def bars(app: Any) -> str:
    return " ".join(str(one.proto.text) for one in app.get("progress")).replace("\\", "")


def listed(app: Any) -> list[str]:
    return list(app.dataframe[0].value["Id"]) if app.dataframe else []


def button(app: Any, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


@pytest.mark.row("CM-04", "C1")
def test_table_holds_every_generator_and_is_filtered(shown: Callable[..., Any]) -> None:
    app = shown()
    assert listed(app) == [card.id for card in all_cards()]
    table = app.dataframe[0].value.set_index("Id")
    assert table.loc["phantom-cxr", "State"] == "On this machine"
    assert table.loc["sana", "Where from"] == "Published" and "MIMIC" in table.loc["sana", "Trained on"]
    app.text_input(key=Key.QUERY).set_value("flow matching + mask").run()
    assert "cardiac-flow-mask" in listed(app) and "sana" not in listed(app)
    app.text_input(key=Key.QUERY).set_value("").run()
    app.multiselect(key=Key.FAMILY).set_value(["GAN"]).run()
    assert {"stylegan2-ada", "cardiac-spade"} <= set(listed(app)) and "sana" not in listed(app)
    app.multiselect(key=Key.CONDITION).set_value(["mask"]).run()
    assert "cardiac-spade" in listed(app) and "stylegan2-ada" not in listed(app)
    app.multiselect(key=Key.CONDITION).set_value(["text"]).run()
    assert listed(app) == [] and "No generator meets all of these conditions" in words(app)
    app.multiselect(key=Key.FAMILY).set_value([])
    app.multiselect(key=Key.CONDITION).set_value([])
    app.toggle(key=Key.HERE).set_value(True).run()
    assert listed(app) == [card.id for card in ready_cards()]


def test_a_broken_card_is_named_and_hides_nothing(shown: Callable[..., Any], workspace: Path) -> None:
    folder = workspace / "generators"
    folder.mkdir(parents=True)
    (folder / "bad.yaml").write_text("id: bad\ntitle: <b>Bad</b>\nrevision: main\nhub_id: a/b\n")
    app = shown()
    assert "bad.yaml" in words(app) and "not a branch name" in words(app)
    assert "phantom-cxr" in listed(app) and "bad" not in listed(app)


@pytest.mark.row("C1", "R1", "R2")
@pytest.mark.parametrize(
    ("name", "told", "labels"),
    [
        ("phantom-cxr", "no network is needed", set()),
        ("sana", "generators download sana", {"Download", "Ask for the size"}),
        ("sd-v1-4", "have no known place yet", set()),
        ("flux", "is not pinned yet", {"Look up the newest commits"}),
        ("radedit", "confirm the disclaimer", {"Look up the newest commits"}),
        ("roentgen-v1", "credentialed user of MIMIC-CXR", set()),
    ],
)
def test_an_opened_generator_shows_its_card_and_the_way_to_its_weights(
    shown: Callable[..., Any], name: str, told: str, labels: set[str]
) -> None:
    app = shown(OPEN=name)
    assert told in words(app) and labels <= {one.label for one in app.button}
    assert ("Download" in {one.label for one in app.button}) is ("Download" in labels)
    card = get_card(name)
    facts = " ".join(str(one.proto.body) for one in app.get("html"))
    assert card.licence.split(";")[0] in facts and card.training_dataset in facts
    assert f"{card.steps}, {card.guidance:g}" in facts
    if card.flipped:
        assert "Trained with mirrored images" in words(app)
    button(app, "All generators").click().run()
    assert not app.exception and len(listed(app)) == len(all_cards())


@pytest.mark.row("C20")
def test_a_card_is_made_from_a_template_checked_refused_and_kept(shown: Callable[..., Any]) -> None:
    app = shown(OPEN="sana")
    button(app, "Use as a template").click().run()
    assert not app.exception and app.text_input(key=f"{Key.FIELD}id").value == "sana-copy"
    assert app.number_input(key=f"{Key.FIELD}steps").value == 20
    app.text_input(key=f"{Key.FIELD}revision").set_value("main").run()
    button(app, "Check").click().run()
    assert "not a branch name" in words(app)
    app.text_input(key=f"{Key.FIELD}revision").set_value(COMMIT)
    app.number_input(key=f"{Key.FIELD}size").set_value(100).run()
    app.button(key="library.card.keep").click().run()
    assert "multiples of 8" in words(app) and "sana-copy" not in [card.id for card in all_cards()]
    app.number_input(key=f"{Key.FIELD}size").set_value(512).run()
    button(app, "Check").click().run()
    assert "is valid" in words(app)
    app.button(key="library.card.keep").click().run()
    assert not app.exception
    card = get_card("sana-copy")
    assert (card.revision, card.steps, card.options) == (COMMIT, 20, get_card("sana").options)
    assert card.knobs == get_card("sana").knobs and not card.measured, "figures are of the other model"
    assert app.session_state[Key.OPEN] == "sana-copy" and "The card was kept" in words(app)
    button(app, "Edit the card").click().run()
    app.text_input(key=f"{Key.FIELD}title").set_value("Sana, our way").run()
    app.button(key="library.card.keep").click().run()
    assert get_card("sana-copy").title == "Sana, our way"
    button(app, "Remove the card").click().run()
    assert not app.exception and "sana-copy" not in listed(app)


@pytest.mark.row("C20")
def test_a_card_typed_as_yaml_is_kept_or_refused_with_the_line(
    shown: Callable[..., Any], tmp_path: Path
) -> None:
    app = shown(PART="Add a generator", MODE="YAML or JSON")
    app.text_area(key=Key.TEXT).set_value("id: typed\ntitle: [").run()
    app.button(key="library.card.keep").click().run()
    assert "line 2" in words(app)
    (tmp_path / "model").mkdir()
    text = (
        f"id: typed\ntitle: Typed\nfolder: {tmp_path / 'model'}\nfamily: GAN\nconditioning: none\nsize: 64\n"
    )
    app.text_area(key=Key.TEXT).set_value(text).run()
    app.button(key="library.card.keep").click().run()
    assert not app.exception and get_card("typed").family == "GAN"


def test_a_place_is_filled_in_on_the_page(shown: Callable[..., Any], tmp_path: Path) -> None:
    app = shown(OPEN="sd-v1-4")
    app.text_input(key=f"{Key.FOLDER}sd-v1-4").set_value(str(tmp_path / "gone")).run()
    button(app, "Keep it").click().run()
    assert "was not found (field 'folder')" in words(app) and get_card("sd-v1-4").published
    (tmp_path / "model").mkdir()
    app.text_input(key=f"{Key.FOLDER}sd-v1-4").set_value(str(tmp_path / "model")).run()
    button(app, "Keep it").click().run()
    assert not app.exception and get_card("sd-v1-4").path == tmp_path / "model"


@pytest.mark.row("C1", "C17")
def test_a_download_is_started_followed_and_its_failure_kept(shown: Callable[..., Any]) -> None:
    app = shown(OPEN="sana")
    button(app, "Download").click().run()
    assert not app.exception
    store = RunStore.open()
    [run] = store.list(kinds=("download",))
    assert (run.spec.settings, run.lane, run.state) == ({"generator": "sana"}, "net", "queued")
    claim = claimed(run)
    store.report(
        claim.token, Progress("Downloading, in MB", 1200.0, 4300.0, 12.5, 248.0, None, "Now: a.safetensors")
    )
    app.run()
    assert "1200 of 4300" in bars(app) and "4 min left" in bars(app)
    assert "12.5 MB a second" in words(app) and "Now: a.safetensors" in words(app)
    assert any(one.label == "Cancel" for one in app.button)
    app.session_state[Key.OPEN] = None
    app.run()
    assert app.dataframe[0].value.set_index("Id").loc["sana", "State"] == "Downloading"
    store.fail(claim.token, "The hub was not reached; download again when online.")
    app.session_state[Key.OPEN] = "sana"
    app.run()
    assert "The hub was not reached" in words(app)
    labels = [one.label for one in app.button]
    assert "Resume" in labels and "Download" not in labels


def test_asking_for_the_size_without_a_hub_is_one_sentence(
    shown: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    app = shown(OPEN="sana")
    button(app, "Ask for the size").click().run()
    assert not app.exception and "The hub was not reached" in words(app)


def trained(card: str = "") -> Any:
    """A training run that has told two losses and a contact sheet, and may have ended."""
    import numpy as np

    from lab.data.images import encode_png
    from lab.runs.artifacts import write_artifact

    store = RunStore.open()
    sheet = write_artifact(encode_png(np.zeros((8, 8), np.uint8)), ".png")
    told = json.dumps({"losses": [["train", 1, 0.9], ["train", 50, 0.25]], "sheet": sheet}).encode()
    digest = write_artifact(told, ".json")
    claim = claimed(
        RunSpec("train", {"recipe": "phantom-cxr", "minutes": 1.0, "resume": False}, {}, "Training it")
    )
    store.report(claim.token, Progress("train", 50, 100, 1.0, 50.0, digest, "loss 0.2500"))
    if card:
        store.finish(claim.token, {"finished": True, "card": card, "told": digest})
    return claim.run


@pytest.mark.row("C17")
def test_training_is_started_from_a_recipe(shown: Callable[..., Any]) -> None:
    app = shown(PART="Train a generator")
    app.selectbox(key=Key.RECIPE).set_value("phantom-cxr").run()
    app.number_input(key=Key.MINUTES).set_value(5.0)
    app.toggle(key=Key.RESUME).set_value(True).run()
    app.button(key="library.train").click().run()
    assert not app.exception
    [run] = RunStore.open().list(kinds=("train",))
    chosen = run.spec.settings
    assert (chosen["recipe"], chosen["minutes"], chosen["resume"]) == ("phantom-cxr", 5.0, True)
    assert any(one.label == "Cancel" for one in app.button)


@pytest.mark.row("C17")
def test_training_shows_loss_contact_sheet_and_time_left(shown: Callable[..., Any]) -> None:
    run = trained()
    app = shown(PART="Train a generator")
    assert "50 of 100" in bars(app) and "50 s left" in bars(app)
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert chart["layout"]["yaxis"].get("type") == "linear" and len(chart["data"]) == 1
    assert any("Newest contact sheet" in caption for one in app.image for caption in one.captions)
    app.toggle(key=f"{Key.LOG}.{run.id}").set_value(True).run()
    assert json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]["type"] == "log"


@pytest.mark.row("C17")
def test_finished_training_says_where_the_generator_lies(shown: Callable[..., Any]) -> None:
    trained(card=str(get_card("phantom-cxr").root))
    app = shown(PART="Train a generator")
    assert "The generator lies in" in words(app)
    button(app, "Show its card").click().run()
    assert not app.exception and app.session_state[Key.OPEN] == "phantom-cxr"


def test_prompt_page_offers_only_what_can_be_asked(visit: Callable[..., Any]) -> None:
    app = visit("prompt")
    assert not app.exception
    offered = app.selectbox(key=PromptKey.GENERATOR).options
    titles = {card.title for card in ready_cards()}
    assert len(offered) <= len(titles)
    assert not any("Sana" in one or "FLUX" in one for one in offered)
