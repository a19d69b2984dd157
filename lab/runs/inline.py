"""Running a spec in this process, without a worker: for tests and for code that has no worker to ask."""

from __future__ import annotations

import os

from lab.config import Settings, settings
from lab.identity import own_name
from lab.runs.execution import Executor
from lab.runs.spec import RunSpec
from lab.runs.store import Run, RunStore


def run_inline(spec: RunSpec, chosen: Settings | None = None) -> Run:
    """Submit a spec and run it here; an existing done run is served instead.

    Returns:
        the run as it ended; a run that a worker holds is returned as it stands.
    """
    place = chosen or settings()
    store = RunStore.open(place)
    run = store.submit(spec)
    name = own_name(f"inline-{os.getpid()}")
    claim = store.claim_run(run.id, name)
    if claim is None:
        return store.get(run.id)

    def beat() -> None:
        store.heartbeat(name)

    Executor(store, place, beat=beat).run(claim, name, preempts=False)
    return store.get(run.id)
