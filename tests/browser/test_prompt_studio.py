"""The prompt studio in a real browser: a queue that survives, one job stopped, a past recipe that gives equal bytes."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import press, settle
from tests.browser.grid_steps import build_four_by_four

pytestmark = pytest.mark.timeout(900)
BOX = {"name": "Prompt", "exact": True}


@pytest.fixture
def worker(workspace, monkeypatch):
    """Starts a worker when asked and leaves none behind."""
    from lab.runs.client import active_workers, ensure_worker, stop_workers

    monkeypatch.setenv("LAB_IDLE_EXIT_S", "60")
    monkeypatch.setenv("LAB_WARM", "0")
    yield ensure_worker
    stop_workers()
    assert not active_workers()


def runs():
    from lab.runs.store import RunStore

    return RunStore.open().list(kinds=("generate",))


def until(true, what: str, limit_s: float = 280.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def shows(page, label: str, value: int) -> None:
    """Wait until a number box shows a value, and the script has run."""
    box = page.get_by_label(label, exact=True)
    until(lambda: box.input_value() == str(value), f"{label} does not show {value}")
    settle(page)


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    settle(page)


def ask(page, text: str, count: int, steps: int = 2) -> None:
    """Write a prompt, set the number of images, few steps, and generate."""
    page.get_by_role("textbox", **BOX).fill(text)
    page.get_by_role("textbox", **BOX).blur()
    settle(page)
    if not page.get_by_label("Steps", exact=True).is_visible():
        page.get_by_text("Settings", exact=True).click()
    for label, value in (("Images", count), ("Steps", steps)):
        box = page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")
        settle(page)
    before = len(runs())
    press(page, "Generate", exact=True)
    until(lambda: len(runs()) == before + 1, "the run was not submitted")
    settle(page, 1200)


@pytest.mark.row("C2")
@pytest.mark.fault(28, 43, 45)
def test_grid_cancel_and_recall(workspace, serve, worker, page, seen):
    from lab.runs.artifacts import read_artifact

    page.set_default_timeout(60_000)
    base = serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER="0")
    page.goto(f"{base}/prompt")
    settle(page)

    # No worker yet: both wait. One is stopped, the other stays, a reload shows the same.
    ask(page, "Large left pleural effusion.", 3)
    ask(page, "Small right pneumothorax.", 1)
    tab(page, "Queue")
    page.get_by_text("Waits at place 2").wait_for()
    page.get_by_role("button", name="Cancel").nth(1).click()
    page.get_by_role("button", name="Queue again").wait_for()
    stopped, kept = runs()
    assert (stopped.state, kept.state) == ("cancelled", "queued")
    page.reload()
    settle(page)
    tab(page, "Queue")
    page.get_by_text("Waits at place 1").wait_for()
    expect(page.get_by_text("Waits at place 2")).to_have_count(0)

    worker()
    until(lambda: runs()[1].state == "done", "the run that was kept did not end")
    samples = runs()[1].result["samples"]
    original = read_artifact(samples[2]["artifact"])

    # The recipe inside the last sample's PNG gives that sample again, made anew and equal to the byte.
    tab(page, "History")
    page.locator('input[type="file"]').set_input_files(
        {"name": "sample.png", "mimeType": "image/png", "buffer": original}
    )
    page.get_by_text("Generate makes this image again").wait_for()
    settle(page)
    expect(page.get_by_role("textbox", **BOX)).to_have_value("Large left pleural effusion.")
    shows(page, "Seed", samples[2]["seed"])
    before = len(runs())
    press(page, "Generate", exact=True)
    until(lambda: len(runs()) == before + 1 and runs()[0].state == "done", "the recalled recipe was not made")
    (again,) = runs()[0].result["samples"]
    assert again["recipe"]["seed"] == samples[2]["seed"]
    assert read_artifact(again["artifact"]) == original

    # Recall from the history puts everything back: the same request is served from the store.
    settle(page)
    tab(page, "History")
    page.get_by_role("button", name="Recall", exact=True).nth(2).click()
    shows(page, "Images", 3)
    before = len(runs())
    press(page, "Generate", exact=True)
    page.locator('.viewer .frame[data-index="2"]').wait_for()
    assert len(runs()) == before

    build_four_by_four(page)
    assert seen.errors == [] and seen.outside == []
