"""Every page, empty and filled, as the app serves it: no exception, a way on, and the notice where films are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("home", "prompt", "neighbours", "feature_space", "metrics", "library")
WITH_FILMS = ("prompt", "neighbours", "feature_space", "library")


def words(app) -> str:
    """All text a page shows."""
    kinds = (
        "title",
        "markdown",
        "caption",
        "text",
        "error",
        "warning",
        "info",
        "success",
        "html",
        "subheader",
    )
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_page_says_what_is_missing(page, visit):
    app = visit(page)
    assert not app.exception and not app.error
    assert app.title[0].value
    assert words(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_filled_page_draws(page, visit, loaded):
    app = visit(page)
    assert not app.exception and not app.error, words(app)
    if page in WITH_FILMS:
        assert "Research use, not for diagnosis" in words(app)
    if page in ("prompt", "neighbours", "library"):
        assert app.get("bidi_component") or page == "prompt"


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_thin(page):
    assert len((ROOT / "pages" / f"{page}.py").read_text("utf-8").splitlines()) < 120


def test_the_ui_loads_nothing_heavy():
    code = (
        "import sys, importlib, pkgutil, lab.ui\n"
        "for found in pkgutil.iter_modules(lab.ui.__path__):\n"
        "    if found.name != 'main': importlib.import_module('lab.ui.' + found.name)\n"
        "import lab.runs.kind; lab.runs.kind.load_kinds()\n"
        "heavy = {'torch', 'umap', 'numba', 'diffusers', 'transformers', 'faiss', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]


def test_a_deep_link_carries_the_navigation(visit):
    app = visit("metrics")
    assert app.title[0].value == "Metrics"


@pytest.mark.fault(29)
@pytest.mark.parametrize("value", ["../../etc/passwd", "x" * 10_000, "0" * 16, "<script>", "1 OR 1=1"])
def test_tampered_addresses_are_ignored(value, visit, loaded):
    for page in ("prompt", "metrics"):
        app = visit(page, run=value)
        assert not app.exception and not app.error
    for page in ("neighbours", "feature_space"):
        app = visit(page, set=value, sample=value)
        assert not app.exception and not app.error
        assert value not in words(app) or value.isdigit()


def test_home_shows_what_is_here(visit, loaded):
    shown = words(visit("home"))
    assert "Small films" in shown and "Small generator" in shown
    assert "4 images with small" in shown


def test_neighbours_show_verdict_canaries_and_control(visit, loaded):
    app = visit(
        "neighbours", set=loaded["samples"].id, sample=loaded["samples"].result["samples"][1]["image_id"]
    )
    shown = words(app)
    assert not app.exception
    assert ":orange-badge[close]" in shown and "n = 24" in shown
    assert "False alarms on held-out images" in shown
    tables = [frame.value for frame in app.dataframe]
    assert any("Canary" in table and "flipped" in table["Canary"].tolist() for table in tables)
    assert any("Detector" in table and len(table) == 2 for table in tables)


def test_metrics_show_a_table_with_control_and_floor(visit, loaded):
    app = visit("metrics", run=loaded["measured"].id)
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Held-out control" in frame.value)
    assert {"Low", "High", "Real-to-real floor", "n real", "n synthetic", "d"} <= set(table.columns)
    assert len(table) == 2 and app.get("plotly_chart")


def test_library_previews_an_import_and_starts_one_run(visit, loaded, builders, tmp_path):
    from lab.runs.store import RunStore
    from lab.ui.state import LibraryKey as Key

    app = visit("library")
    app.session_state[Key.TAB] = "Add a dataset"
    app.run()
    app.text_input(key=Key.FOLDER).set_value(str(builders.films(tmp_path / "more", 12))).run()
    assert not app.exception and not app.error
    assert [metric.value for metric in app.metric][:2] == ["12", "12"]
    app.text_input(key=Key.ID).set_value("more").run()
    app.button(key="library.import").click().run()
    runs = RunStore.open().list(kinds=("import",))
    assert len(runs) == 1 and runs[0].spec.settings["id"] == "more"


def test_library_names_a_folder_that_is_not_there(visit, loaded):
    from lab.ui.state import LibraryKey as Key

    app = visit("library")
    app.session_state[Key.TAB] = "Add a dataset"
    app.run()
    app.text_input(key=Key.FOLDER).set_value("/nowhere/at/all").run()
    assert not app.exception and "check the path" in app.error[0].value


@pytest.mark.fault(50, 59)
@pytest.mark.parametrize("page", ["home", "prompt", "metrics"])
def test_a_damaged_store_gives_a_sentence_and_is_left_as_it_is(page, visit, workspace, dataset, generator):
    workspace.mkdir(exist_ok=True)
    store = workspace / "runs.sqlite"
    store.write_bytes(b"this is not a database" * 100)
    app = visit(page)
    assert not app.exception
    assert any("damaged" in element.value for element in app.error)
    assert store.read_bytes().startswith(b"this is not a database")
