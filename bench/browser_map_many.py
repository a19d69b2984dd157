"""A map of many points in Chromium: first picture, pan, zoom, hover, and from the end of a lasso to its gallery.

The page is ours from table to gallery: only the table is made up, each image of the shipped set repeated near its
own place until there are enough points.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.browser_map import CORNERS, SIDE, prepared

STEPS = 40
LAUNCHER = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from lab.ui import web
app = st.App({script!r}, routes=web.routes())
"""
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import pandas as pd
import streamlit as st
from lab.runs.store import RunStore
from lab.ui.map_gallery import selection
from lab.ui.map_points import points
from lab.ui.map_view import chart, controls

st.set_page_config(layout="wide")


@st.cache_resource
def many():
    fitted = RunStore.open().list(states=("done",), kinds=("map",), limit=1)[0]
    own = points(fitted, [])
    copies = -(-{count} // len(own))
    table = pd.concat([own] * copies, ignore_index=True).head({count})
    copy = np.arange(len(table)) // len(own)
    table["key"] = table["key"] + "-" + copy.astype(str)
    rng = np.random.default_rng(0)
    for axis in ("x", "y"):
        table[axis] += np.where(copy > 0, rng.normal(0, 0.02 * np.ptp(own[axis]), len(table)), 0.0)
    return fitted, table


@st.fragment
def explore():
    fitted, table = many()
    rows = chart(table, fitted, [], controls(table), {{}})
    selection(table, rows, fitted, [])


explore()
"""
BUSY = """
() => {
  window.busy = []
  new PerformanceObserver(list => window.busy.push(...list.getEntries().map(one => one.duration)))
    .observe({ entryTypes: ["longtask"] })
}
"""
FRAME = "() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"


def many(count: int = 100_000) -> dict[str, float]:
    """Draw, move and select `count` points.

    Returns:
        Milliseconds by name: medians and the slowest; "main thread" is processor time of the page's main thread an
        event, everything on the page included; empty without Chromium.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, ROOT, chromium_path, serving

    path = chromium_path()
    if not path:
        return {}
    with tempfile.TemporaryDirectory(prefix="doppel-bench-") as folder, prepared(Path(folder)) as environ:
        script, app = Path(folder) / "many.py", Path(folder) / "serve.py"
        script.write_text(SCRIPT.format(root=str(ROOT), count=count), "utf-8")
        app.write_text(LAUNCHER.format(root=str(ROOT), script=str(script)), "utf-8")
        with serving(app, environ, Path(folder) / "server.log") as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=FLAGS)
            try:
                return _measured(browser.new_page(viewport={"width": 1280, "height": 1000}), address)
            finally:
                browser.close()


def _measured(page: Any, address: str) -> dict[str, float]:
    page.set_default_timeout(120_000)
    page.add_init_script(f"({BUSY})()")
    tracer = page.context.new_cdp_session(page)
    tracer.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(address)
    plot = page.locator(".doppel-map[data-view]")
    plot.wait_for()
    found = {"page opened to the map drawn": 1000 * (time.perf_counter() - start)}
    found["of that in the component"] = float(plot.get_attribute("data-ms") or "nan")
    found["points drawn"] = float(plot.get_attribute("data-points") or "nan")
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Pan").click()
    page.wait_for_timeout(500)
    centre = _centre(page)
    found |= _moved(page, tracer, "hover", lambda n: page.mouse.move(*_ring(centre, n)))
    page.mouse.move(*centre)
    page.mouse.down()
    found |= _moved(page, tracer, "pan", lambda n: page.mouse.move(*_ring(centre, n)))
    page.mouse.up()
    page.wait_for_timeout(1500)
    found |= _moved(page, tracer, "zoom", lambda n: page.mouse.wheel(0, -60 if n < STEPS // 2 else 60))
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Whole map").click()
    page.get_by_role("button", name="Lasso", exact=True).click()
    page.wait_for_timeout(1500)
    return found | _selected(page, tracer)


def _centre(page: Any) -> tuple[float, float]:
    box = page.locator(".doppel-map .plot").bounding_box()
    return box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]


def _ring(centre: tuple[float, float], n: int) -> tuple[float, float]:
    return centre[0] + (n % 20) * 6 - 60, centre[1] + (n % 15) * 5 - 35


def _moved(page: Any, tracer: Any, name: str, move: Callable[[int], None]) -> dict[str, float]:
    """Move, wait for the frame, again: the main thread's time a move and the time until the frame is there."""
    page.evaluate("() => { window.busy.length = 0 }")
    spent, before = [], _thread_ms(tracer)
    for n in range(STEPS):
        start = page.evaluate("() => performance.now()")
        move(n)
        spent.append(page.evaluate(FRAME) - start)
    main = (_thread_ms(tracer) - before) / STEPS
    longest = max(page.evaluate("() => window.busy"), default=0.0)
    return {
        f"{name}: frame": statistics.median(spent),
        f"{name}: frame, slowest": max(spent),
        f"{name}: main thread": main,
        f"{name}: longest task above 50": longest,
    }


def _thread_ms(tracer: Any) -> float:
    metrics = {one["name"]: one["value"] for one in tracer.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def _selected(page: Any, tracer: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    for when in ("first time, films rendered", "again"):
        before = _thread_ms(tracer)
        drawn, shown = zip(*[_lasso(page, *corner) for corner in CORNERS], strict=True)
        found |= {
            f"lasso to its selection, {when}": statistics.median(drawn),
            f"lasso to its selection, {when}, slowest": max(drawn),
            f"lasso to its gallery, {when}": statistics.median(shown),
            f"lasso to its gallery, {when}, slowest": max(shown),
            f"lasso: main thread from the first move to the gallery, {when}": (_thread_ms(tracer) - before)
            / len(CORNERS),
        }
    return found


def _lasso(page: Any, across: float, down: float) -> tuple[float, float]:
    """Milliseconds from letting go to the map drawn with the selection, and to the gallery's films."""
    box = page.locator(".doppel-map .plot").bounding_box()
    left, top = box["x"] + across * box["width"], box["y"] + down * box["height"]
    before = page.locator(".doppel-map").get_attribute("data-digest")
    page.evaluate(GALLERY)
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((SIDE, 0), (SIDE, SIDE), (0, SIDE), (0, 0)):
        page.mouse.move(left + x, top + y, steps=4)
    page.evaluate("() => { window.let_go = performance.now() }")
    page.mouse.up()
    page.wait_for_function("() => window.gallery")
    page.wait_for_function("old => document.querySelector('.doppel-map').dataset.digest !== old", arg=before)
    drawn, gallery = page.evaluate("() => [window.drawn, window.gallery].map(at => at - window.let_go)")
    page.wait_for_timeout(1500)
    return drawn, gallery


GALLERY = """
() => {
  window.gallery = window.drawn = null
  const map = document.querySelector('.doppel-map'), old = map.dataset.digest
  const all = () => [...document.querySelectorAll('*')].filter(one => one.shadowRoot)
    .flatMap(one => [...one.shadowRoot.querySelectorAll('.viewer .frame')])
  const words = () => all().map(one => one.innerText).join('|')
  const before = words()
  const look = () => {
    if (!window.drawn && map.dataset.digest !== old) window.drawn = performance.now()
    const frames = all()
    const ready = frames.length > 1 && frames.every(one => one.dataset.ready === 'true')
    if (ready && window.drawn && words() !== before) window.gallery = performance.now()
    else setTimeout(look, 20)
  }
  look()
}
"""


if __name__ == "__main__":
    for name, value in many(*map(int, sys.argv[1:])).items():
        sys.stdout.write(f"{name}: {value:.1f}\n")
