"""Pages in Chromium: from a click in the sidebar to the next page's heading, and from a choice to its answer."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROUNDS = 5
PAGES = ("Prompt", "Neighbours", "Feature space", "Metrics", "Library", "Home")


def pages() -> Iterable[tuple[str, ...]]:
    """Rows of a table: medians in milliseconds, warm; the workspace is an empty one."""
    from tests.browser.conftest import FLAGS, ROOT, chromium_path, serving

    path = chromium_path()
    yield ("page in Chromium", "median, ms", "slowest, ms")
    yield ("---", "---", "---")
    if not path:
        yield ("no Chromium here; set LAB_CHROMIUM", "–", "–")
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="doppel-bench-") as folder:
        environ = {"LAB_WORKSPACE": folder, "LAB_START_WORKER": "0"}
        with (
            serving(ROOT / "app.py", environ, Path(folder) / "server.log") as address,
            sync_playwright() as driver,
        ):
            browser = driver.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(60_000)
            page.goto(address)
            yield from _rows(page)
            browser.close()


def _rows(page: Any) -> Iterable[tuple[str, ...]]:
    for name in PAGES:  # the first visit of a page loads its script's modules and is not counted
        _switch(page, name)
    for name in PAGES:
        spent = []
        for _ in range(ROUNDS):
            _switch(page, "Library" if name != "Library" else "Home")
            spent.append(_switch(page, name))
        yield (f"switch to {name}", f"{statistics.median(spent):.0f}", f"{max(spent):.0f}")


def _switch(page: Any, name: str) -> float:
    """Milliseconds from the click to the page's heading."""
    start = time.perf_counter()
    page.locator("[data-testid=stSidebarNavLink]").filter(has_text=name).click()
    page.locator(f"[data-testid=stSidebarNavLink][aria-current=page]:has-text('{name}')").wait_for()
    if name != "Home":
        page.get_by_role("heading", name=name, level=1).wait_for()
    return 1000 * (time.perf_counter() - start)
