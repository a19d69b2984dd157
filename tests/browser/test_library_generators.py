"""Chromium on the Library's generators: a row opens its card, the list is found again as it was, a card is added."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seen, press, settle

HEAD, ROW = 34, 33  # pixels of the table's heading and of a row


def click_row(tab, number: int) -> None:
    """Click the box before a row of the table, which is drawn on a canvas."""
    box = tab.locator('[data-testid="stDataFrame"]').first.bounding_box()
    assert box is not None
    tab.mouse.click(box["x"] + 16, box["y"] + HEAD + ROW * number + ROW // 2)


@pytest.mark.row("CM-04", "C20")
def test_rows_open_cards_and_a_card_is_added(
    page, serve: Callable[..., str], seen: Seen, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    address = serve(LAB_WORKSPACE=str(tmp_path / "workspace"), LAB_START_WORKER="0", HF_HUB_OFFLINE="1")
    page.goto(f"{address}/library")
    page.get_by_role("tab", name="Generators").click()
    page.get_by_text("Click a row to open").wait_for()
    search = page.get_by_role("textbox", name="Search")
    search.fill("flow matching + cardiac")
    search.press("Enter")
    page.get_by_text("1 generators, 0 of them ready").or_(
        page.get_by_text("generators, 1 of them ready")
    ).wait_for()
    settle(page)
    click_row(page, 0)
    page.get_by_role("heading", name="ardiac").wait_for()
    expect(page.get_by_text("Weights", exact=True).first).to_be_visible()
    press(page, "All generators")
    page.get_by_text("Click a row to open").wait_for()
    expect(search, "the list is as it was left").to_have_value("flow matching + cardiac")

    page.get_by_text("Add a generator", exact=True).click()
    page.get_by_text("YAML or JSON", exact=True).click()
    box = page.get_by_role("textbox", name="Or the card itself")
    box.fill(
        f"id: ours\ntitle: Ours\nfamily: GAN\nconditioning: none\nsize: 100\nfolder: {tmp_path / 'model'}"
    )
    box.press("Control+Enter")
    settle(page)
    press(page, "Keep the card")
    page.get_by_text("sizes must be multiples of 8").wait_for()
    box.fill(
        f"id: ours\ntitle: Ours\nfamily: GAN\nconditioning: none\nsize: 64\nfolder: {tmp_path / 'model'}"
    )
    box.press("Control+Enter")
    settle(page)
    press(page, "Keep the card")
    page.get_by_role("heading", name="Ours").wait_for()
    expect(page.get_by_text("The card was kept.")).to_be_visible()
    assert seen.errors == [] and seen.outside == []


@pytest.mark.row("C17")
def test_a_training_that_a_shell_started_appears_by_itself_and_stays_when_it_ends(
    page, serve: Callable[..., str], workspace: Path, seen: Seen
) -> None:
    from lab.runs.artifacts import write_artifact
    from lab.runs.requests import train_run
    from lab.runs.spec import Progress
    from lab.runs.store import RunStore

    page.goto(f"{serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER='0')}/library")
    page.get_by_role("tab", name="Generators").click()
    page.get_by_text("Train a generator").click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)

    store = RunStore.open()
    run = store.submit(train_run("phantom-cxr-vae", 5.0, False))
    claim = store.claim_run(run.id, "a-worker")
    assert claim is not None
    told = write_artifact(b'{"losses": [["train", 1, 0.9], ["train", 50, 0.25]], "sheet": null}', ".json")
    store.report(claim.token, Progress("Training", 50, 100, 1.0, 50.0, told, "loss 0.2500"))
    # A look every two seconds, on a machine that may be busy.
    expect(page.get_by_text("50 of 100").first).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    store.fail(claim.token, "It was stopped; the last step is kept; go on from it.")
    expect(page.get_by_text("Ended", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("the last step is kept")).to_be_visible()
    assert seen.errors == []
