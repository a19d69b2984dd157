"""The viewer in Chromium: main-thread time of a frame, time to the picture, and what a rerun sends."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FRAMES = 60
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from lab.ui.viewer import Film, viewer

st.set_page_config(layout="wide")


@st.cache_data
def pixels():
    rows, columns = np.mgrid[0:2500, 0:2000].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 600, (2500, 2000))
    return np.clip(30000 + 15000 * np.sin(rows / 170) * np.cos(columns / 130) + noise, 0, 65535).astype(np.uint16)


run = int(st.session_state.get("n", 0))
with st.container(width={side} * {films} + 6 * ({films} - 1)):
    films = [Film(np.roll(pixels(), 50 * n, 0), "PHANTOM", f"film {{n}}, run {{run}}") for n in range({films})]
    viewer(films, key="films", columns={films}, selected=run % {films}, layout="grid")
st.button("Rerun", on_click=lambda: st.session_state.update(n=run + 1))
"""


def measure(films: int = 1, side: int = 1000) -> dict[str, float]:
    """Drag the window of films of 2,000 x 2,500 px and 16 bits shown at `side` x `side` px.

    Args:
        films: viewports side by side, all linked.
        side: edge of a viewport in CSS pixels; the device pixel ratio is 1.

    Returns:
        Medians and the 95th percentile of the milliseconds that one film takes to window and draw a frame at fit, at
        twice the fit, at 1:1 and just above half size; the CPU milliseconds of everything on the page's main thread
        a frame (all films, and the bench reading its numbers); milliseconds from asking for the page to the first
        picture and of a rerun; and the kB that the socket carried at the first run and at a rerun.

    Raises:
        RuntimeError: when there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, ROOT, chromium_path, serving

    path = chromium_path()
    if not path:
        raise RuntimeError("There is no Chromium; the viewer was not timed; set LAB_CHROMIUM.")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "films.py"
        script.write_text(SCRIPT.format(root=str(ROOT), films=films, side=side), "utf-8")
        with serving(script, {}, Path(folder) / "server.log") as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=FLAGS)
            try:
                return _measured(browser.new_page(viewport={"width": 2200, "height": 1300}), address)
            finally:
                browser.close()


def _measured(page: Any, address: str) -> dict[str, float]:
    carried = [0]

    def listen(socket_: Any) -> None:
        socket_.on("framereceived", lambda data: carried.__setitem__(0, carried[0] + len(data)))

    page.on("websocket", listen)
    tracer = page.context.new_cdp_session(page)
    tracer.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".viewer .frame[data-ready=true]", timeout=60_000)
    found = {"first picture, ms": (time.perf_counter() - start) * 1000}
    page.wait_for_timeout(1500)
    found["socket at first run, kB"] = carried[0] / 1000
    carried[0] = 0
    start = time.perf_counter()
    page.get_by_text("Rerun").click()
    page.get_by_text("film 0, run 1").wait_for(timeout=60_000)
    found["rerun, ms"] = (time.perf_counter() - start) * 1000
    page.wait_for_timeout(500)
    found["socket at a rerun, kB"] = carried[0] / 1000
    for name, keys in (("fit", "="), ("twice fit", "=+++"), ("1:1", "=0"), ("just above half", "=h")):
        _prepare(page, name, keys)
        before = _thread_ms(tracer)
        times = _drag(page)
        found[f"frame at {name}, ms"] = statistics.median(times)
        found[f"whole main thread a frame at {name}, CPU ms"] = (_thread_ms(tracer) - before) / FRAMES
        found[f"frame at {name}, p95, ms"] = sorted(times)[int(0.95 * len(times))]
    return found


def _thread_ms(tracer: Any) -> float:
    """CPU milliseconds of all tasks of the page's main thread so far: events, script, style, paint, the bench's own."""
    metrics = {one["name"]: one["value"] for one in tracer.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def _prepare(page: Any, name: str, keys: str) -> None:
    frame = page.locator(".viewer .frame").first
    frame.focus()
    page.keyboard.press(" ")
    for key in keys if name != "just above half" else "++":
        page.keyboard.press(key)
    page.wait_for_timeout(400)


def _drag(page: Any) -> list[float]:
    box = page.locator(".viewer canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    times = []
    for n in range(FRAMES):
        page.mouse.move(x + (n % 20) * 6 - 60, y + (n % 15) * 5 - 30)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        times.append(float(page.locator(".viewer .frame").first.get_attribute("data-ms")))
    page.mouse.up()
    return times[5:]


if __name__ == "__main__":
    for name, value in measure(*map(int, sys.argv[1:])).items():
        sys.stdout.write(f"{name}: {value:.1f}\n")
