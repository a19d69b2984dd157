"""The main job, end to end in a real browser: prompt, neighbours, feature space, metrics; and real films imported.

The first journey uses the embedded generator where it is installed, else a toy pipeline with random weights, on a
small phantom set. With `LAB_SCREENSHOTS` set, a picture of every page is left in that folder.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, press, settle

pytestmark = pytest.mark.timeout(1200)
READY_S = 600
EMBEDDED = "phantom-cxr"
# What every metric of the quick choice needs at least; more than a page of the gallery, in whole micro-batches of four.
SAMPLES = 20


@pytest.fixture
def worker(workspace, monkeypatch):
    """Leave no worker behind, whatever happened."""
    from lab.runs.client import active_workers, stop_workers

    monkeypatch.setenv("LAB_IDLE_EXIT_S", "60")
    yield
    stop_workers()
    assert not active_workers()


@pytest.fixture
def picture(page):
    """Take a picture of the page for the README when a folder was named."""
    folder = os.environ.get("LAB_SCREENSHOTS", "")

    def take(name: str, height: int = 800) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.set_viewport_size({"width": 1280, "height": height})
            page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
            page.mouse.move(640, 20)
            page.wait_for_timeout(1500)
            page.screenshot(path=str(Path(folder) / f"{name}.png"))
            page.set_viewport_size({"width": 1280, "height": 800})

    return take


def until_ready(dataset: str, upto: str = "map") -> None:
    """Wait until the app and its worker have made a dataset ready."""
    from lab.runs.prepare import next_step

    end = time.monotonic() + READY_S
    while next_step(dataset, upto=upto) is not None:
        assert time.monotonic() < end, "the dataset was not ready in time"
        time.sleep(1.0)


def done_run(kind: str):
    """The newest run of a kind, when it is done."""
    from lab.runs.store import RunStore

    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        runs = RunStore.open().list(kinds=(kind,), limit=1)
        if runs and runs[0].is_over:
            assert runs[0].state == "done", runs[0].error
            return runs[0]
        time.sleep(0.5)
    raise AssertionError(f"no {kind} run ended in time")


def both_measured():
    """The run of the default extractor, when it and that of the second one are done."""
    from lab.features.extractors import DEFAULT
    from lab.runs.store import RunStore

    done_run("evaluate")
    by = {run.spec.settings["extractor"]: run for run in RunStore.open().list(kinds=("evaluate",), limit=2)}
    assert len(by) == 2 and all(run.state == "done" for run in by.values())
    return by[DEFAULT]


def first_grades() -> list[int]:
    """The grades that were kept, as soon as there is one: a click is on its way for a while on a busy machine."""
    from lab.ui import reviews

    end = time.monotonic() + 60
    while not (given := [review.quality for review in reviews.every()]) and time.monotonic() < end:
        time.sleep(0.2)
    return given


def go(page, name: str) -> None:
    """Follow a link of the navigation."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text=re.compile(f"{name}$")).click()
    page.get_by_role("heading", name=name, level=1).wait_for()
    settle(page)


def lasso_all(page) -> None:
    """Draw a lasso around the whole map."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


@pytest.fixture
def phantom(workspace) -> str:
    """The phantom set as shipped, else a small one rendered here, and a generator for it."""
    from lab.data.phantom_dataset import add_phantom
    from lab.data.phantom_pack import find_pack
    from lab.generators.cards import list_cards
    from lab.runs.requests import PHANTOM_FILMS, PHANTOM_PATIENTS

    shipped = find_pack(PHANTOM_PATIENTS, PHANTOM_FILMS, 0) is not None
    add_phantom(EMBEDDED, *((PHANTOM_PATIENTS, PHANTOM_FILMS) if shipped else (30, 2)))
    if not list_cards():
        from tests.builders.toy_pipeline import build_toy_pipeline, write_toy_card

        folder = build_toy_pipeline(workspace / "toy")
        write_toy_card(folder, workspace / "generators" / "toy-cxr" / "card.json")
    return EMBEDDED


@pytest.fixture
def launcher(tmp_path) -> Path:
    """The launcher of the app, for a start that prepares the phantom set and leaves the leakage demonstration out.

    The audits of that, of hundreds of samples, would stand before this journey's metric run; they have their own tests.
    """
    script = tmp_path / "launcher.py"
    leave_out = "from lab.leakage import demo_runs\n\ndemo_runs.can_be_shown = lambda: False\n"
    script.write_text((ROOT / "app.py").read_text("utf-8") + leave_out, "utf-8")
    return script


def test_from_a_prompt_to_a_chart(phantom, serve, launcher, worker, workspace, page, seen, picture):
    base = serve(launcher, LAB_WORKSPACE=str(workspace))
    page.goto(base)
    settle(page)
    until_ready(phantom)
    page.reload()
    settle(page)
    picture("home")

    go(page, "Prompt")
    page.get_by_text("Effusion", exact=True).first.click()
    settle(page)
    page.get_by_role("combobox", name="Place of effusion").click()
    page.get_by_role("option", name="Left", exact=True).click()
    settle(page)
    box = page.get_by_role("textbox", name="Prompt", exact=True)
    expect(box).to_have_value("Left pleural effusion.")
    count = page.get_by_label("Images", exact=True)
    count.fill(str(SAMPLES))
    count.press("Enter")
    settle(page)
    press(page, "Generate")
    made = done_run("generate")
    page.locator('.viewer .frame[data-index="11"]').wait_for()
    settle(page)
    assert len(made.result["samples"]) == SAMPLES
    page.locator(".viewer canvas").nth(1).click()
    page.locator('.viewer .frame[data-index="1"].selected').wait_for()
    # Until the choice has reached the server, the stars of the sample before stand in the same place.
    page.get_by_text(f"Quick review, seed {made.result['samples'][1]['seed']}").wait_for()
    settle(page)
    page.get_by_test_id("stFeedback").get_by_role("radio").nth(3).click(force=True)
    assert first_grades() == [4]
    settle(page)
    picture("prompt", 1000)

    page.get_by_role("link", name="See its nearest training images").click()
    page.get_by_role("heading", name="Neighbours", level=1).wait_for()
    page.locator('.viewer .frame[data-index="6"]').wait_for()
    settle(page)
    tags = page.locator(".viewer .frame").evaluate_all("all => all.map(one => one.dataset.tag)")
    assert tags == ["SYNTHETIC"] + ["PHANTOM"] * 6
    sample = made.result["samples"][1]
    expect(page.locator(".viewer .caption").nth(0)).to_contain_text(str(sample["seed"]), use_inner_text=True)
    nearest = sample["neighbours"][0]
    expect(page.locator(".viewer .caption").nth(1)).to_contain_text(
        f"{nearest['distance']:.4f}", use_inner_text=True
    )
    expect(page.get_by_text("False alarms on held-out images")).to_have_count(1)
    picture("neighbours", 1100)

    go(page, "Feature space")
    # The first map of a session loads the drawing library and draws by software here.
    page.locator(".doppel-map[data-view]").wait_for(timeout=60_000)
    settle(page, 2500)
    lasso_all(page)
    page.get_by_text(re.compile(r"\d+ selected:")).wait_for()
    settle(page)
    words = page.get_by_test_id("stMarkdown").filter(has_text="selected:").first.inner_text()
    everything = SAMPLES + sum(done_run("map").result["layers"].values())
    assert words.startswith(f"{everything} selected:") and f"{SAMPLES} samples" in words
    picture("feature_space", 1000)

    go(page, "Metrics")
    page.get_by_role("button", name="Launch").wait_for()
    picture("metrics_form")
    press(page, "Launch")
    measured = both_measured()
    assert measured.spec.settings["synthetic"] == made.result["sample_set"]
    page.locator(".js-plotly-plot").first.wait_for()
    settle(page, 1500)
    names = {item["metric"] for item in measured.result["results"]}
    assert {"kernel-distance", "closer-to-training", "near-copy-share"} <= names
    expect(page.get_by_text("Kernel distance").first).to_be_visible()
    picture("metrics", 1150)
    go(page, "Library")
    picture("library")
    assert seen.outside == [] and seen.errors == []


def some_patients(source: Path, target: Path, patients: int) -> int:
    """A folder of the films of every second patient; returns how many. All of the set would take minutes more."""
    rows = (source / "metadata.csv").read_text("utf-8").splitlines()
    place = rows[0].split(",").index("patient_id")
    chosen = set(sorted({row.split(",")[place] for row in rows[1:]})[::2][:patients])
    kept = [row for row in rows[1:] if row.split(",")[place] in chosen]
    (target / "images").mkdir(parents=True)
    for row in kept:
        name = row.split(",")[0]
        shutil.copyfile(source / name, target / name)
    (target / "metadata.csv").write_text("\n".join([rows[0], *kept]), "utf-8")
    return len(kept)


def canaries(source: Path, target: Path, count: int) -> None:
    """Mirrored and noised copies of training films, as a careless generator would make them."""
    import numpy as np

    from lab.data.images import encode_png
    from lab.data.store import open_dataset

    dataset = open_dataset("kermany")
    rng = np.random.default_rng(5)
    target.mkdir()
    for number, image_id in enumerate(dataset.rows("train")["image_id"].head(count)):
        film = dataset.image(str(image_id)).astype(np.int16)
        film = film if film.ndim == 2 else film[..., 0]
        altered = film[:, ::-1] if number % 2 else film + rng.normal(0, 8, film.shape)
        (target / f"canary-{number}.png").write_bytes(encode_png(np.clip(altered, 0, 255).astype(np.uint8)))


@pytest.mark.slow
def test_real_films_are_imported_and_planted_copies_stand_out(
    test_data, serve, worker, workspace, tmp_path, page, seen, picture
):
    source = test_data / "cxr_kermany"
    if not source.is_dir():
        pytest.skip("LAB_TEST_DATA holds no cxr_kermany")
    count = some_patients(source, tmp_path / "kermany", 360)
    # The phantom set is not what this journey is about: without its own start nothing else competes for the worker.
    base = serve(LAB_WORKSPACE=str(workspace), LAB_PREPARE="0")
    page.goto(f"{base}/library")
    settle(page)
    page.get_by_role("tab", name="Add a dataset").click()
    settle(page)
    folder = page.get_by_label("Folder", exact=True)
    folder.fill(str(tmp_path / "kermany"))
    folder.press("Enter")
    page.get_by_test_id("stMetricValue").filter(has_text=str(count)).wait_for(timeout=60_000)
    settle(page)
    name = page.get_by_label("Id", exact=True)
    name.fill("kermany")
    name.press("Enter")
    settle(page)
    picture("library_import")
    press(page, "Import", exact=True)
    page.get_by_text(f"{count} images were imported").wait_for(timeout=READY_S * 1000)

    from lab.data.store import open_dataset

    dataset = open_dataset("kermany")
    assert dataset.card.origin == "real" and dataset.card.images == count
    patients = dataset.manifest.groupby("patient_id")["split"].nunique()
    assert patients.max() == 1
    canaries(source, tmp_path / "copies", 40)

    go(page, "Metrics")
    page.get_by_role("combobox", name="Synthetic set").click()
    page.get_by_role("option", name="A folder on this machine").click()
    settle(page)
    folder = page.get_by_label("Folder", exact=True)
    folder.fill(str(tmp_path / "copies"))
    folder.press("Enter")
    page.get_by_role("button", name="Launch").wait_for(timeout=60_000)
    press(page, "Launch")
    until_ready("kermany", "calibrate")
    run = done_run("evaluate")
    page.locator(".js-plotly-plot").first.wait_for()
    settle(page, 1500)
    picture("metrics_kermany")
    found = {item["metric"]: item for item in run.result["results"]}
    assert found["near-copy-share"]["value"] >= 0.9 and found["near-copy-share"]["control"] <= 0.03
    assert (
        found["closer-to-training"]["control"] is not None
    )  # features alone hardly see mirrored or noised copies

    page.get_by_text("What to measure").click()
    page.get_by_role("combobox", name="Synthetic set").click()
    page.get_by_role("option", name="held-out split").click()
    settle(page)
    press(page, "Launch")
    page.get_by_role("heading", name="kermany, held-out against kermany").wait_for(timeout=READY_S * 1000)
    honest = {item["metric"]: item for item in done_run("evaluate").result["results"]}
    assert honest["near-copy-share"]["value"] <= 0.03
    assert honest["kernel-distance"]["value"] < found["kernel-distance"]["value"]

    go(page, "Neighbours")
    page.locator('.viewer .frame[data-index="5"]').wait_for(timeout=60_000)
    tags = page.locator(".viewer .frame").evaluate_all("all => all.map(one => one.dataset.tag)")
    assert tags == ["REAL"] * 6  # a held-out film is not its own control
    settle(page)
    picture("neighbours_kermany")
    assert seen.outside == [] and seen.errors == []
