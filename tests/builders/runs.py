"""Runs as a worker leaves them, without a worker: submitted, claimed, then finished or failed by hand."""

from __future__ import annotations

from typing import Any

from lab.runs.records import Claim, Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore

WORKER = "test-worker"


def claimed(asked: RunSpec | Run, worker: str = WORKER) -> Claim:
    """A worker's claim on a run; a spec is submitted first, and a run is taken as the store has it."""
    store = RunStore.open()
    run = store.submit(asked) if isinstance(asked, RunSpec) else asked
    claim = store.claim_run(run.id, worker)
    assert claim is not None, f"the {run.kind} run is {run.state}: nobody can claim it"
    return claim


def finish(asked: RunSpec | Run, result: dict[str, Any]) -> Run:
    """A run that is done with that result."""
    claim = claimed(asked)
    store = RunStore.open()
    store.finish(claim.token, result)
    return store.get(claim.run.id)


def fail(asked: RunSpec | Run, sentence: str) -> Run:
    """A run that failed with that sentence."""
    claim = claimed(asked)
    store = RunStore.open()
    store.fail(claim.token, sentence)
    return store.get(claim.run.id)
