"""A workspace with a fast worker, and the proof after each test that no process was left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lab.config import Settings, settings
from lab.runs import client
from lab.runs.store import RunStore

TOYS = Path(__file__).resolve().parent
FAST = {
    "LAB_HEARTBEAT_S": "0.1",
    "LAB_LEASE_S": "2",
    "LAB_POLL_S": "0.03",
    "LAB_IDLE_EXIT_S": "20",
    "LAB_HANG_LIMIT_S": "60",
    "LAB_EXTRA_KINDS": "toy_kinds",
    "LAB_WARM": "0",
}


@pytest.fixture
def place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of an empty workspace in which toy kinds run fast; its worker is stopped at the end."""
    for name, value in FAST.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOYS), os.environ.get("PYTHONPATH", "")]))
    chosen = settings()
    yield chosen
    client.stop_workers(chosen)
    left = [process.pid for process in psutil.process_iter(["cmdline"]) if belongs(process, chosen.workspace)]
    assert left == [], "a worker process was left behind"
    RunStore.open(chosen).close()


def belongs(process: psutil.Process, workspace: Path) -> bool:
    """Whether that is a process started for `workspace`."""
    return any(str(workspace) in word for word in process.info["cmdline"] or [])


@pytest.fixture
def store(place: Settings) -> RunStore:
    """The run store of the workspace."""
    return RunStore.open(place)


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    """The folder in which tests hold toy runs."""
    folder = tmp_path / "gates"
    folder.mkdir()
    return folder


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `true()` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
