"""The guided demonstration as a presenter plays it: a cold workspace, the keyboard alone, from start to end.

With `LAB_SCREENSHOTS` set, a picture of every step is left in that folder, at the size of a projector.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle

pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]
READY_MS = 600_000
PROJECTOR = {"width": 1280, "height": 720}
# What would tell the answer: tags, verdicts, scores.
TELLING = re.compile(
    r"SYNTHETIC|PHANTOM|\bREAL\b|[Nn]ear-copy|[Oo]rdinary|[Cc]orrelation|[Cc]osine|[Dd]istance|p = \d|[Hh]eld-out"
)
# All text and attributes of the page, those inside the components' own roots too, and addresses left out: they are
# keyed hashes and picture bytes.
WORDS = """() => {
  const words = []
  const walk = node => {
    if (node.nodeType === Node.TEXT_NODE) { words.push(node.textContent); return }
    if (node.nodeType !== Node.ELEMENT_NODE && node.nodeType !== Node.DOCUMENT_FRAGMENT_NODE) return
    if (["STYLE", "SCRIPT"].includes(node.tagName)) return
    const told = one => !["src", "href", "class", "style"].includes(one.name)
    words.push(...[...(node.attributes || [])].filter(told).map(one => one.value))
    if (node.shadowRoot) walk(node.shadowRoot)
    node.childNodes.forEach(walk)
  }
  walk(document.body)
  return words.join("\\n")
}"""


@pytest.fixture
def worker(workspace, monkeypatch):
    """Leave no worker behind, whatever happened."""
    from lab.runs.client import active_workers, stop_workers

    monkeypatch.setenv("LAB_IDLE_EXIT_S", "60")
    yield
    stop_workers()
    assert not active_workers()


@pytest.fixture
def shipped():
    """Skip where the samples or the generators of the demonstration are not in this checkout."""
    from lab.data.phantom_pack import find_pack
    from lab.leakage.demo_runs import can_be_shown
    from lab.runs.requests import PHANTOM_FILMS, PHANTOM_PATIENTS

    if not can_be_shown() or find_pack(PHANTOM_PATIENTS, PHANTOM_FILMS, 0) is None:
        pytest.skip("the demonstration or the phantom pack is not in this checkout")


@pytest.fixture
def picture(page):
    folder = os.environ.get("LAB_SCREENSHOTS", "")

    def take(name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(1200)
            page.screenshot(path=str(Path(folder) / f"leakage_{name}.png"))

    return take


def at_step(page, number: int) -> None:
    """Wait until a step is drawn and nothing is stale."""
    page.wait_for_function(
        """number => {
          const deck = [...document.querySelectorAll('.st-key-leakage-deck *')]
            .map(one => one.shadowRoot && one.shadowRoot.querySelector('.deck')).find(Boolean)
          const dot = deck && deck.querySelector('[aria-current=step]')
          return dot && dot.dataset.name === `dot${number}` && location.search.includes(`step=${number}`)
        }""",
        arg=number,
        timeout=60_000,
    )
    # The bar comes before the pictures: the slide is whole when the script has ended.
    settle(page, 800)


def heading(page) -> str:
    return page.locator(".slide-title").inner_text()


def test_a_presenter_plays_it_with_the_keyboard_alone(shipped, serve, worker, workspace, page, seen, picture):
    page.set_viewport_size(PROJECTOR)
    page.goto(f"{serve(LAB_WORKSPACE=str(workspace))}/leakage")
    # Cold: the phantom set is taken in first, and the first slides wait for nothing else.
    page.locator(".slide-film img").first.wait_for(timeout=READY_MS)
    page.locator(".deck .bar").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    expect(page.locator(".slide-film")).to_have_count(6)
    page.keyboard.press("f")
    page.wait_for_function("document.documentElement.classList.contains('doppel-show')")
    picture("1")
    page.keyboard.press("ArrowRight")
    at_step(page, 2)
    page.wait_for_function("document.querySelectorAll('.slide-film').length === 4", timeout=60_000)
    picture("2")

    page.keyboard.press("PageDown")
    at_step(page, 3)
    page.locator(".booth").wait_for(timeout=READY_MS)
    page.locator('.viewer .frame[data-index="2"] canvas').wait_for(timeout=60_000)
    at_step(page, 3)
    blinded = page.evaluate(WORDS)
    assert "Candidate A" in blinded and not TELLING.search(blinded), TELLING.search(blinded)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    assert "step=3" in page.url and not TELLING.search(page.evaluate(WORDS))
    for key in ("a", "4", "5", "5", "b", "1", "2"):
        page.keyboard.press(key)
    page.wait_for_function(
        r"() => /deck=[0-9a-f]{8}\.0-0-0-1-2-1-1-0-0-0/.test(location.search)", timeout=60_000
    )
    page.wait_for_timeout(600)
    assert not TELLING.search(page.evaluate(WORDS))
    picture("3")

    page.reload()
    at_step(page, 3)
    page.locator(".booth").wait_for(timeout=60_000)
    counts = page.locator(".booth .count").evaluate_all("all => all.map(one => Number(one.value))")
    assert counts == [0, 0, 0, 1, 2, 1, 1, 0, 0, 0]
    page.keyboard.press("f")
    page.keyboard.press("ArrowRight")
    at_step(page, 4)
    page.locator('.viewer .frame[data-index="2"] canvas').wait_for()
    tags = page.locator(".viewer .frame").evaluate_all("all => all.map(one => one.dataset.tag)")
    assert tags == ["SYNTHETIC", "PHANTOM", "SYNTHETIC"]
    page.keyboard.press("s")
    page.locator('.viewer .frame[data-mode="swipe"]').wait_for()
    at = page.locator(".viewer .divider").first.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowDown")
    assert page.locator(".viewer .divider").first.get_attribute("aria-valuenow") != at
    page.keyboard.press("n")
    page.locator(".deck .notes").wait_for()
    picture("4")
    page.keyboard.press("n")
    page.locator(".deck .notes").wait_for(state="detached")
    for number in (5, 6, 7, 8, 9):
        page.keyboard.press("ArrowRight" if number % 2 else "PageDown")
        at_step(page, number)
        if number == 6:  # on a cold start the audits may still be running: the slide shows how far they are
            page.locator(".slide-number").first.wait_for(timeout=READY_MS)
            page.wait_for_timeout(1500)
        fits(page, number)
        picture(str(number))

    told = page.locator("[data-matrix]").get_attribute("data-matrix")
    assert told == recount(workspace)
    expect(page.locator(".slide-thumbs.found img")).to_have_count(int(told.split("-")[0]))
    honest = re.compile("none found by these detectors at this sensitivity|are near-copies")
    expect(page.get_by_text(honest)).to_have_count(1)
    page.keyboard.press("Home")
    at_step(page, 1)
    assert heading(page) == "What it was trained on"
    expect(page.get_by_test_id("stDownloadButton")).to_have_count(0)
    assert seen.outside == [] and seen.errors == []


def fits(page, number: int) -> None:
    """A slide on a projector is seen whole, without scrolling."""
    room = page.locator(".st-key-leakage-deck").evaluate("one => [one.scrollHeight, one.clientHeight]")
    assert room[0] <= room[1] + 2, f"step {number} is {room[0]} px high where {room[1]} px are shown"


def recount(workspace) -> str:
    """Found, missed, exposed, spared and false alarms, from the generator's lists and the audit's own table."""
    from lab.config import ASSETS
    from lab.data.store import open_dataset
    from lab.runs.artifacts import read_artifact
    from lab.runs.store import RunStore

    folder = ASSETS / "generators" / "phantom-cxr-memorised-192"
    planted = [
        one["image_id"] for one in json.loads((folder / "planted.json").read_text()) if one["copies"] > 1
    ]
    members = json.loads((folder / "members.json").read_text())
    audits = RunStore.open().list(states=("done",), kinds=("audit",), limit=10)
    audit = next(run for run in audits if run.spec.settings["samples"] == "leakage-demo-memorised")
    table = pd.read_parquet(io.BytesIO(read_artifact(audit.result["table"])))
    rows = open_dataset("phantom-cxr").rows("train")
    patient = dict(zip(rows["image_id"], rows["patient_id"], strict=True))
    copies = table[table["label"] == "near-copy"]
    pointed = {patient[name] for name in copies["first"]}
    repeated = {patient[name] for name in planted}
    once = {patient[name] for name in members} - repeated
    alarms = sum(patient[name] not in repeated | once for name in copies["first"])
    counts = (
        len(repeated & pointed),
        len(repeated - pointed),
        len(once & pointed),
        len(once - pointed),
        alarms,
    )
    return "-".join(map(str, counts))
