"""For pages and commands: make sure a worker is there, submit, wait. Nothing heavy is imported."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from lab.config import Settings, settings
from lab.errors import StoreError
from lab.identity import is_alive, is_local
from lab.lock import LOCK, FileLock
from lab.runs import clock
from lab.runs.inline import run_inline
from lab.runs.processes import SUPERVISOR, find_processes, kill_group, spawn, worker_code
from lab.runs.spec import Progress, RunSpec
from lab.runs.store import Run, RunStore

__all__ = [
    "active_workers",
    "ensure_worker",
    "look",
    "run_inline",
    "stop_workers",
    "submit",
    "submit_and_wait",
    "wait",
]

_START_S = 20.0
_LOOK_S = 1.0
_WAIT_POLL_S = 0.1
_LOG_BYTES = 5_000_000


def ensure_worker(chosen: Settings | None = None, patience_s: float = 0.5) -> str:
    """Start a detached worker for the workspace unless one is alive and of this code.

    Args:
        chosen: settings; None reads them.
        patience_s: how long to wait for an outdated worker to finish its batch; call again later otherwise.

    Returns:
        "running", "started", or "replacing" while an outdated worker finishes its batch.

    Raises:
        StoreError: when the worker does not start.
    """
    place = chosen or settings()
    lock = FileLock(place.workspace / LOCK)
    if not lock.is_free():
        if not _is_outdated(place):
            return "running"
        if not _until(lock.is_free, patience_s):
            return "replacing"
    starting = FileLock(place.workspace / "worker.starting")
    if not starting.acquire(_START_S):
        return "replacing"
    try:
        if not lock.is_free():
            return "running"
        _start(place, lock)
    finally:
        starting.release()
    return "started"


def _is_outdated(place: Settings) -> bool:
    """Whether the living supervisor has other code; if so it is asked to stop after its batch."""
    store = RunStore.open(place)
    own = worker_code(place)
    here = [entry for entry in store.entries() if is_local(entry.name) and is_alive(entry.name)]
    old = [entry for entry in here if entry.code != own]
    for entry in old:
        if not entry.stop_requested:
            store.request_stop(entry.name)
    return bool(old)


def _start(place: Settings, lock: FileLock) -> None:
    RunStore.open(place)
    logs = place.workspace / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / "worker.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(logs / "worker.1.log")
    with log.open("ab") as output:
        spawn(SUPERVISOR, place, "--detach", output=output).wait(_START_S)
    if not _until(lambda: not lock.is_free(), _START_S):
        raise StoreError(
            "The worker did not start; submitted runs stay queued; "
            "see logs/worker.log in the workspace and try again."
        )


def submit(spec: RunSpec, chosen: Settings | None = None, anew: bool = False) -> Run:
    """Queue a run, or give the live one of the same digest, and see that a worker is there.

    Args:
        spec: what to do.
        chosen: settings; None reads them.
        anew: compute again although a done run exists.
    """
    place = chosen or settings()
    run = RunStore.open(place).submit(spec, anew)
    if not run.is_over:
        ensure_worker(place)
    return run


def look(run_id: str, chosen: Settings | None = None) -> Run:
    """The run as it stands, for a page that polls; when its worker died, one is started.

    Raises:
        NotFoundError: when there is none of that id.
    """
    place = chosen or settings()
    run = RunStore.open(place).get(run_id)
    if not run.is_over and FileLock(place.workspace / LOCK).is_free():
        ensure_worker(place)
    return run


def wait(
    run_id: str,
    on_progress: Callable[[Progress], None] | None = None,
    chosen: Settings | None = None,
    timeout_s: float | None = None,
) -> Run:
    """Wait until a run is over, whatever its ending; a worker that died meanwhile is replaced.

    Args:
        run_id: the run.
        on_progress: called with each new progress.
        chosen: settings; None reads them.
        timeout_s: give the run as it stands after so long; None waits for its end.
    """
    place = chosen or settings()
    store = RunStore.open(place)
    told: Progress | None = None
    until = None if timeout_s is None else clock.elapsed() + timeout_s
    look_at = clock.elapsed()
    while True:
        run = store.get(run_id)
        if run.progress is not None and run.progress != told and on_progress is not None:
            on_progress(run.progress)
        told = run.progress
        if run.is_over or (until is not None and clock.elapsed() > until):
            return run
        if clock.elapsed() >= look_at:
            ensure_worker(place, patience_s=0.0)
            look_at = clock.elapsed() + _LOOK_S
        time.sleep(_WAIT_POLL_S)


def submit_and_wait(
    spec: RunSpec, on_progress: Callable[[Progress], None] | None = None, chosen: Settings | None = None
) -> Run:
    """Submit a run and wait for its end; a done run is served at once."""
    place = chosen or settings()
    run = submit(spec, place)
    return run if run.is_over else wait(run.id, on_progress, place)


def active_workers(chosen: Settings | None = None) -> dict[int, str]:
    """Living worker processes of the workspace: process id to module."""
    return find_processes((chosen or settings()).workspace)


def stop_workers(chosen: Settings | None = None, patience_s: float = 10.0) -> None:
    """Stop the worker of the workspace; unfinished runs go back into the queue."""
    place = chosen or settings()
    for pid, module in active_workers(place).items():
        if module == SUPERVISOR:
            _signal(pid, signal.SIGCONT)
            _signal(pid, signal.SIGTERM)
    if not _until(lambda: not active_workers(place), patience_s):
        for pid in active_workers(place):
            kill_group(pid)
        _until(lambda: not active_workers(place), patience_s)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _until(true: Callable[[], bool], patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while not true():
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True
