"""The map of the shipped set in Chromium: first picture, hover, and from the end of a lasso to its gallery's words."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROUNDS = 5
# Corners of the lassos, as shares of the map's width and height: each holds other points.
CORNERS = ((0.70, 0.2), (0.74, 0.3), (0.78, 0.4), (0.82, 0.5), (0.80, 0.6))
SIDE = 70


def measure() -> dict[str, float]:
    """Medians in milliseconds by name, warm but for the first picture; empty without Chromium."""
    from tests.browser.conftest import chromium_path

    path = chromium_path()
    if not path:
        return {}
    with tempfile.TemporaryDirectory(prefix="doppel-bench-") as folder, _served(Path(folder)) as address:
        return _measured(path, address)


@contextmanager
def prepared(folder: Path) -> Iterator[dict[str, str]]:
    """Environment of a server over a workspace in which the shipped set is ready; its worker is ended with it."""
    from tests.browser.conftest import ROOT

    environ = {"LAB_WORKSPACE": str(folder), "LAB_IDLE_EXIT_S": "5"}
    ready = [sys.executable, "-m", "lab", "prepare"]
    subprocess.run(ready, cwd=ROOT, env={**os.environ, **environ}, check=True, capture_output=True)
    yield {**environ, "LAB_START_WORKER": "0"}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    from tests.browser.conftest import ROOT, serving

    with (
        prepared(folder) as environ,
        serving(ROOT / "app.py", environ, folder / "server.log") as address,
    ):
        yield address


def _measured(path: str, address: str) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        start = time.perf_counter()
        page.goto(f"{address}/feature_space")
        plot = page.locator(".doppel-map[data-view]")
        plot.wait_for()
        found = {"page opened to the map drawn, first time": 1000 * (time.perf_counter() - start)}
        found["of that in the component"] = float(plot.get_attribute("data-ms") or "nan")
        found["points"] = float(plot.get_attribute("data-points") or "nan")
        page.wait_for_timeout(2000)
        lassos = [_lasso(page, *corner) for corner in CORNERS[:ROUNDS]]
        found["lasso to its selection"] = statistics.median(lassos)
        found["lasso to its selection, slowest"] = max(lassos)
        browser.close()
    return found


def _lasso(page: Any, across: float, down: float) -> float:
    """Milliseconds from letting go to the map drawn with the new selection."""
    box = page.locator(".doppel-map .plot").bounding_box()
    left, top = box["x"] + across * box["width"], box["y"] + down * box["height"]
    before = page.locator(".doppel-map").get_attribute("data-digest")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((SIDE, 0), (SIDE, SIDE), (0, SIDE), (0, 0)):
        page.mouse.move(left + x, top + y, steps=4)
    start = time.perf_counter()
    page.mouse.up()
    page.wait_for_function(
        "old => document.querySelector('.doppel-map').dataset.digest !== old", arg=before, timeout=60_000
    )
    spent = 1000 * (time.perf_counter() - start)
    page.wait_for_timeout(1500)
    return spent
