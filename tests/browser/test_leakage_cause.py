"""Level 3 of the leakage page in a real browser: stored evidence is there at once, without any run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab.generators.cards import EMBEDDED
from tests.browser.conftest import settle

SIBLINGS = (48, 192, 768)


@pytest.fixture
def level(serve, page, workspace):
    """The cause, on an empty workspace and without a worker."""
    address = serve(LAB_START_WORKER="0", LAB_WORKSPACE=str(workspace))
    page.goto(f"{address}/leakage")
    page.wait_for_selector("h1")
    settle(page)
    page.get_by_text("The cause", exact=True).click()
    settle(page)
    return page


def keep(page, name: str) -> None:
    """A screenshot where `LAB_SCREENSHOTS` names a folder."""
    if folder := os.environ.get("LAB_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_the_dose_is_drawn_from_the_reports_and_nothing_leaves_the_machine(level, seen) -> None:
    level.get_by_text("How much it takes", exact=True).click()
    level.wait_for_selector(".js-plotly-plot .scatterlayer .trace")
    settle(level)
    drawn = level.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot')].map(p => p.data.map(t => [t.name, [...t.y]]))[0]"
    )
    told = dict(drawn)
    for name, figure in (
        ("Training films repeated 20 times", "Planted training films found"),
        ("Training films seen once", "Training films found that were not repeated"),
        ("Held-out films (control)", "Held-out films found"),
    ):
        for films, share in zip(SIBLINGS, told[name], strict=True):
            report = EMBEDDED / f"phantom-cxr-memorised-{films}" / "gates" / "planted.json"
            hits = [one["found"] for one in json.loads(report.read_text())["details"][figure]]
            assert share == pytest.approx(sum(hits) / len(hits)), (films, name)
    keep(level, "leakage-dose")
    assert seen.errors == [] and seen.outside == []


def test_an_empty_workspace_says_what_is_missing_on_every_panel(level, seen) -> None:
    for panel, says in (
        ("Seed after seed", "no generator with known repeats"),
        ("Word by word", "no generator with known repeats"),
        ("Watch it happen", "no phantom generator"),
        ("What would help", "No set is audited yet"),
    ):
        level.get_by_text(panel, exact=True).click()
        level.get_by_text(re.compile(says)).wait_for()
        settle(level, 200)
    expect(level.get_by_text("Traceback")).to_have_count(0)
    keep(level, "leakage-remedies-empty")
    assert seen.errors == []
