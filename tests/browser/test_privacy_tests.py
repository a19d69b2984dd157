"""The privacy tests of the Metrics page in a real Chromium: planted copies, from the form to a kept result."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WAIT_MS, press

pytestmark = pytest.mark.timeout(600)


def test_planted_copies_from_the_form_to_a_result_that_a_reload_keeps(app, page, seen) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.store import RunStore

    page.goto(f"{app}/metrics")
    page.get_by_role("radio", name="Privacy tests").click()
    page.get_by_role("radio", name="Planted copies").click()
    expect(page.get_by_text("280 copies in 7 ways")).to_be_visible(timeout=WAIT_MS)
    for name in ("Near-duplicate rate", "Extracted images", "Memorisation index"):
        page.get_by_role("button", name=re.compile(name, re.IGNORECASE)).first.click()
    slider = page.get_by_role("slider", name="Copies of each kind")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowLeft")
    expect(page.get_by_text("35 copies in 7 ways")).to_be_visible(timeout=WAIT_MS)
    press(page, "Plant and look")
    expect(page.get_by_text("Waiting for the worker: Planted copies in small").first).to_be_visible(
        timeout=WAIT_MS
    )
    expect(page).to_have_url(re.compile(r"run=[0-9a-f]{16}"))
    (run,) = RunStore.open().list(kinds=("sensitivity",))
    assert run_inline(run.spec).state == "done"
    for _ in range(2):  # as it comes, and after a reload by its address alone
        expect(page.get_by_text("What each detector finds")).to_be_visible(timeout=WAIT_MS)
        chart = page.locator(".js-plotly-plot")
        expect(chart.get_by_text("Honest (false alarms)").first).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("5 copies of each kind, one a patient", exact=False)).to_be_visible(
            timeout=WAIT_MS
        )
        expect(page.locator(".viewer .frame")).to_have_count(8, timeout=WAIT_MS)
        page.reload()
    assert seen.outside == [] and seen.errors == []
