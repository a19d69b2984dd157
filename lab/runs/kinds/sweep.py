"""Measuring the groups of a sweep once their samples are there, whether or not a page is open.

It computes nothing: it queues the evaluation of each finished group. It stands in the generations' own lane, behind
them: its turn comes when none of them waits any more, and it holds no other lane meanwhile. It waits only for what
another worker still makes, and gives way to whoever prompts.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec
from lab.runs.states import ENDED

POLL_S = 1.0


@run_kind(
    "sweep", lane="device", priority="batch", modules=("lab.runs.sweeps",), title="Measure each setting"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Queue evaluations until no generation of the sweep waits or runs any more."""
    from lab.runs.store import RunStore
    from lab.runs.sweeps import get_sweep, measure_ready

    store, asked = RunStore.open(ctx.settings), get_sweep(spec.settings["sweep"])
    while True:
        groups = measure_ready(asked, store)
        runs = [run for group in groups for run in group.generations if run is not None]
        ended = sum(run.state in ENDED for run in runs)
        yield ctx.progress("Waiting for the samples of each setting", ended, len(runs))
        if ended == len(runs):
            break
        time.sleep(POLL_S)
    queued = [group.evaluation.id for group in groups if group.evaluation is not None]
    return {"sweep": asked.id, "groups": len(groups), "evaluations": queued}
