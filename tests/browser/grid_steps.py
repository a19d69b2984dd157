"""A grid of four by four in a real browser: built, watched, a cell looked at, differences shown, files taken."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import press, settle

TABLE = ".doppel-grid"


def build_four_by_four(page: Any) -> None:
    """Words by seeds over what the composer holds; its prompt must hold the word "large".

    Args:
        page: on the prompt page, a worker running.
    """
    page.get_by_role("tab", name="Grid", exact=True).click()
    settle(page)
    page.get_by_role("combobox", name="Words").click()
    page.get_by_role("option", name="large", exact=True).click()
    settle(page)
    press(page, "Make the grid: 16 samples")
    # The whole table stands there before the first cell is made, and each cell comes as soon as it is.
    page.locator(f"{TABLE} [data-cell]").nth(15).wait_for()
    page.get_by_text(re.compile("made in")).wait_for(timeout=180_000)
    settle(page, 1000)
    pictures = page.locator(f"{TABLE} [data-cell] img")
    expect(pictures).to_have_count(16)
    assert [page.locator(f"{TABLE} .label").nth(at).inner_text() for at in range(4)] == [
        "large", "small", "moderate", "(left out)"
    ]  # fmt: skip
    _look_at_a_cell(page)
    settle(page, 1000)  # a file asked for while the page is drawn anew is not given
    _take_files(page)


def _look_at_a_cell(page: Any) -> None:
    cell = page.locator(f"{TABLE} [data-cell='6']")
    assert cell.get_attribute("aria-label").startswith("cell 7: SYNTHETIC. Moderate")
    cell.click()
    page.locator(f"{TABLE} [data-cell='6'][aria-pressed='true']").wait_for()
    settle(page, 1000)
    difference = page.get_by_alt_text("Difference of the two samples")
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=difference.element_handle()
    )
    page.get_by_text("Where the difference lies").wait_for()
    expect(page.locator(".viewer .frame").nth(1), "the cell beside its reference").to_be_visible()
    page.get_by_text("Differences", exact=True).click()
    page.locator(f"{TABLE} table.differences").wait_for()
    expect(page.locator(f"{TABLE} .figure"), "all but the first of each row").to_have_count(12)


def _take_files(page: Any) -> None:
    with page.expect_download() as got:
        press(page, "Grid as PNG")
    with Image.open(Path(got.value.path())) as image:
        told = json.loads(image.text["doppel:grid"])
        assert (
            image.width > 4 * 128
            and len(told["digest"]) == 64
            and told["settings"]["columns"]["subject"] == "large"
        )
    with page.expect_download() as got:
        press(page, "Table as CSV")
    rows = list(csv.DictReader(io.StringIO(Path(got.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == 16 and {row["Prompt word: large"] for row in rows} == {
        "large",
        "small",
        "moderate",
        "(left out)",
    }
    assert len({row["Seed"] for row in rows}) == 4 and float(rows[1]["mean_abs_difference"]) > 0
