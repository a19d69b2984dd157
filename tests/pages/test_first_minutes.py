"""The first minutes: pages go by one name, an import leads on, and what was begun goes on while one looks elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.runs.inline import run_inline
from lab.runs.store import RunStore
from lab.ui.state import LibraryKey as Key


def _adding(visit: Any) -> Any:
    app = visit("library")
    app.session_state[Key.TAB] = "Add a dataset"
    return app.run()


def _labels(app: Any) -> list[str]:
    return [button.label for button in app.button]


def test_the_first_steps_go_by_the_names_of_their_pages(visit: Any) -> None:
    from lab.ui.overview import STEPS

    for page, title, _, _ in STEPS:
        assert visit(page).title[0].value == title


def test_home_lists_each_generator_in_one_line_and_tags_each_dataset(visit: Any, loaded: Any) -> None:
    from tests.pages.test_pages import words

    shown = words(visit("home"))
    assert "Small generator" in shown and "**Generators**" in shown
    assert ":blue-badge[REAL]" in shown


@pytest.mark.parametrize(
    ("place", "known", "id"),
    [
        ("/data/Chest films_2/", set(), "chest-films-2"),
        ("/data/isic.zip", set(), "isic"),
        ("hf://datasets/owner/Name@main", set(), "name"),
        ("/data/films", {"films", "films-2"}, "films-3"),
    ],
)
def test_an_id_is_proposed_after_the_place(place: str, known: set[str], id: str) -> None:
    from lab.data.card import check_id
    from lab.ui.import_place import proposed_id

    assert proposed_id(place, known) == id == check_id(id)


def test_a_proposed_id_follows_the_folder_until_one_is_written(
    visit: Any, builders: Any, tmp_path: Path
) -> None:
    for name in ("Chest films", "more"):
        builders.films(tmp_path / name, 12)
    app = _adding(visit)
    app.text_input(key=Key.FOLDER).set_value(str(tmp_path / "Chest films")).run()
    assert app.text_input(key=Key.ID).value == "chest-films"
    app.text_input(key=Key.FOLDER).set_value(str(tmp_path / "more")).run()
    assert app.text_input(key=Key.ID).value == "more"
    app.text_input(key=Key.ID).set_value("mine").run()
    app.text_input(key=Key.FOLDER).set_value(str(tmp_path / "Chest films")).run()
    assert app.text_input(key=Key.ID).value == "mine"
    app.text_input(key=Key.ID).set_value("").run()
    assert app.button(key="library.import").disabled
    assert any("Give it an id" in caption.value for caption in app.caption)


def test_an_import_that_is_done_leads_on_and_its_steps_follow_on_every_page(
    visit: Any, builders: Any, tmp_path: Path
) -> None:
    app = _adding(visit)
    app.text_input(key=Key.FOLDER).set_value(str(builders.films(tmp_path / "more", 12))).run()
    app.button(key="library.import").click().run()
    assert run_inline(RunStore.open().list(kinds=("import",))[0].spec).state == "done"
    app.run()
    assert any("12 images were imported as more" in told.value for told in app.success)
    assert not app.text_input, "the form makes room for what came of it"
    app.button(key="library.imported.ready").click().run()
    assert not app.exception and app.session_state[Key.TAB] == "Datasets"
    [embed] = RunStore.open().list(kinds=("embed",))
    assert run_inline(embed.spec).state == "done"
    app.switch_page("../../pages/home.py").run()
    assert [run.spec.settings["dataset"] for run in RunStore.open().list(kinds=("calibrate",))] == ["more"]


def test_another_dataset_starts_with_an_empty_form(visit: Any, builders: Any, tmp_path: Path) -> None:
    app = _adding(visit)
    app.text_input(key=Key.FOLDER).set_value(str(builders.films(tmp_path / "more", 12))).run()
    app.button(key="library.import").click().run()
    assert run_inline(RunStore.open().list(kinds=("import",))[0].spec).state == "done"
    app.run()
    app.button(key="library.imported.more").click().run()
    assert app.text_input(key=Key.FOLDER).value == "" and not app.success


def test_a_comparison_that_cannot_begin_says_why(visit: Any, loaded: Any) -> None:
    app = visit("library")
    app.session_state[Key.TAB] = "SkinGenBench arms"
    app.run()
    from lab.ui.state import ArmsKey

    app.text_input(key=ArmsKey.NAME).set_value("Not A Name!").run()
    next(button for button in app.button if button.label == "Begin the comparison").click().run()
    assert app.error and not app.exception


def test_a_run_over_one_image_says_image(dataset: str) -> None:
    from lab.data.store import open_dataset
    from lab.runs.requests import neighbours_run

    found = open_dataset(dataset)
    pixels = [found.image_bytes_path(name) for name in found.manifest["image_id"][:2]]
    assert neighbours_run(pixels[:1], dataset).label == f"Neighbours of 1 image in {dataset}"
    assert neighbours_run(pixels, dataset).label == f"Neighbours of 2 images in {dataset}"


def test_a_verdict_that_could_not_have_been_worse_says_so(visit: Any, loaded: Any) -> None:
    from lab.ui.neighbour_view import BLIND

    run = loaded["samples"]
    by_label = {sample["verdict"]["label"]: sample["image_id"] for sample in run.result["samples"]}
    app = visit("neighbours", set=run.id, sample=by_label["ordinary"])
    [told] = [one.value for one in app.markdown if "**Ordinary:" in one.value]
    assert BLIND in told and ":green[" not in told and "p = " in told
    assert any("so few training images cannot give" in caption.value for caption in app.caption)


def test_the_map_opens_on_a_set_that_has_one(visit: Any, dataset: str, builders: Any, tmp_path: Path) -> None:
    from lab.data.store import add_folder, open_dataset
    from lab.runs.requests import embed_run, map_run
    from lab.ui.state import MapKey
    from tests.pages.conftest import finish, map_result

    add_folder(builders.films(tmp_path / "first", 12), "a-first-by-name")
    table = open_dataset(dataset).rows()
    finish(embed_run(dataset), {"extracted": len(table), "stored": 0})
    finish(map_run(dataset), map_result(table))
    assert visit("feature_space").session_state[MapKey.DATASET] == dataset
