"""The Metrics page in a real Chromium: a ready choice launched, numbers as they come, a trace, a click, an export."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import press, settle

pytestmark = pytest.mark.timeout(600)


class Pausing(threading.Thread):
    """A worker in this process that stands still once some metrics are done, until it is told to go on."""

    def __init__(self, run, metrics: int) -> None:
        super().__init__(daemon=True)
        self.run_id, self.metrics, self.go_on = run.id, metrics, threading.Event()

    def run(self) -> None:
        from lab.config import settings
        from lab.identity import own_name
        from lab.runs.execution import Executor
        from lab.runs.store import RunStore

        store, name = RunStore.open(), own_name("pausing")
        claim = store.claim_run(self.run_id, name)
        assert claim is not None
        keys = [f"metric-0-{metric}" for metric in claim.run.spec.settings["metrics"]]

        def beat() -> None:
            store.heartbeat(name)
            while sum(store.part_digest(claim.run.digest, key) is not None for key in keys) >= self.metrics:
                if self.go_on.wait(0.3):
                    return
                store.heartbeat(name)

        Executor(store, settings(), beat=beat).run(claim, name, preempts=False)


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.row("XI-10", "X-09")
def test_a_ready_choice_from_launch_to_file(app, page, seen, tmp_path) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run
    from lab.runs.store import RunStore

    page.goto(f"{app}/metrics")
    page.get_by_role("radio", name="SkinGenBench").click()
    page.get_by_text("Inception Score and what the samples add").wait_for()
    page.get_by_text("Choose metrics").click()
    page.get_by_role("tab", name="Privacy").click()
    page.get_by_text("Nearest-neighbour distance ratio").first.click()
    page.get_by_text("Changed by hand: 0 added, 1 left out.").wait_for()
    expect(
        page.get_by_role("tab", name="Privacy"), "a tick neither folds the list nor leaves its tab"
    ).to_be_visible()
    page.get_by_role("combobox", name="Synthetic set").click()
    page.get_by_role("option", name="held-out split").click()
    settle(page)
    press(page, "Launch")
    until(lambda: bool(RunStore.open().list(kinds=("evaluate",))))
    run = RunStore.open().list(kinds=("evaluate",))[-1]
    assert "nndr" not in run.spec.settings["metrics"]
    worker = Pausing(run, metrics=2)
    worker.start()
    try:
        page.get_by_text(re.compile(r"^2 of \d+ metrics so far")).wait_for()
        page.locator(".js-plotly-plot").first.wait_for()
        assert run.id in page.url, "a reload finds the run again"
        page.reload()
        page.get_by_text(re.compile(r"^2 of \d+ metrics so far")).wait_for()
        expect(page.get_by_role("button", name="Cancel")).to_be_enabled()
    finally:
        worker.go_on.set()
        worker.join(120)
    assert RunStore.open().get(run.id).state == "done"
    page.get_by_text("Not measured:").wait_for()
    settle(page)
    page.get_by_role("button", name="Trace").first.click()
    page.get_by_text(run.id).first.wait_for()
    expect(page.get_by_text(run.spec.inputs["real"][:16]).first).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_download() as caught:
        press(page, "Download CSV")
    caught.value.save_as(tmp_path / "metrics.csv")
    assert "kernel-distance" in (tmp_path / "metrics.csv").read_text("utf-8-sig")
    with page.expect_download() as caught:
        press(page, "Download JSON")
    caught.value.save_as(tmp_path / "metrics.json")
    assert run.id in (tmp_path / "metrics.json").read_text("utf-8")

    names = ["kernel-distance", "authpct"]
    other = run_inline(evaluate_run("small", "small:held-out", names, seed=5))
    assert other.state == "done"
    page.get_by_role("radio", name="Compare sets").click()
    settle(page)
    rows = page.get_by_test_id("stDataFrame").first.bounding_box()
    for number in (1, 3):  # between them the queued run of the second extractor
        page.mouse.click(rows["x"] + 16, rows["y"] + 35 * number + 17)
        settle(page)
    mark = page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").first
    mark.wait_for()
    mark.click(force=True)
    page.locator('.viewer .frame[data-index="0"]').wait_for()
    expect(page.get_by_text(re.compile(r"small, held-out\W+ \d+ images"))).to_have_count(1)
    assert seen.outside == [] and seen.errors == []
