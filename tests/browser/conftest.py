"""A real Chromium and a real server: started for a test, ended by their own handles."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For what a person starts and waits for.
WAIT_MS = 120_000
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")


def chromium_path() -> str | None:
    """The Chromium to use: `LAB_CHROMIUM`, else one on the path."""
    named = os.environ.get("LAB_CHROMIUM", "")
    for name in (named, "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.fspath).parents:
            item.add_marker("browser")
            # A browser on a busy machine: once more, and the run's last lines name it.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser():
    """One Chromium for the session."""
    path = chromium_path()
    if path is None:
        pytest.skip("NO CHROMIUM: browser tests are not run; install chromium or set LAB_CHROMIUM")
    with sync_playwright() as driver:
        expect.set_options(timeout=20_000)
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Seen:
    """What a page asked for and complained of."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser, seen: Seen):
    """A fresh tab of 1280 x 800; requests that leave 127.0.0.1 and script errors are recorded."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(20_000)
    tab.on("request", lambda r: None if r.url.startswith(LOCAL) else seen.outside.append(r.url))
    tab.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield tab
    context.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(script: Path, environ: dict[str, str], log: Path) -> Iterator[str]:
    """A Streamlit server of its own for `script`; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address", "127.0.0.1"]
    command += [
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--browser.gatherUsageStats",
        "false",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environ}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            base = environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
            address = f"http://127.0.0.1:{port}/{base}".rstrip("/")
            _wait_for(f"{address}/_stcore/health", process, log)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer within 30 seconds")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start a server for a script or for the app; all are ended with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(script: Path = ROOT / "app.py", **environ: str) -> str:
            log = tmp_path / f"server-{len(list(tmp_path.glob('server-*')))}.log"
            return stack.enter_context(serving(script, environ, log))

        yield start


@pytest.fixture
def app(workspace, phantom_folder, page, serve: Callable[..., str]) -> str:
    """A small phantom set with its features, served without a worker."""
    from lab.data.store import add_folder
    from lab.runs.inline import run_inline
    from lab.runs.requests import embed_run

    add_folder(phantom_folder, "small", origin="phantom")
    assert run_inline(embed_run("small")).state == "done"
    page.set_default_timeout(WAIT_MS)
    return serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER="0", LAB_PREPARE="0")


@pytest.fixture(scope="module")
def module_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """As `serve`, for a server that all tests of a module share."""
    from contextlib import ExitStack

    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:

        def start(script: Path = ROOT / "app.py", **environ: str) -> str:
            return stack.enter_context(serving(script, environ, folder / f"{script.stem}.log"))

        yield start


# The script has drawn and ended, and nothing of an earlier run is still on the screen.
DRAWN = """() => {
  const app = document.querySelector('[data-test-script-state]')
  return app && app.dataset.testScriptState === 'notRunning' && !document.querySelector('[data-stale=true]')
    && document.querySelector('[data-testid=stElementContainer]')
}"""


def settle(tab, pause_ms: int = 400) -> None:
    """Wait until the script has run and nothing is stale, also when a change is still on its way to the server."""
    tab.wait_for_timeout(100)
    tab.wait_for_function(DRAWN, timeout=60_000)
    tab.wait_for_timeout(pause_ms)
    tab.wait_for_function(DRAWN, timeout=60_000)


def press(tab, name: str | re.Pattern[str], exact: bool | None = None) -> None:
    """Click a button once the page has settled: until then the one of an earlier run may stand beside it."""
    settle(tab, 100)
    tab.get_by_role("button", name=name, exact=exact).click()
