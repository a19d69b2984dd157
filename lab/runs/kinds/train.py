"""Training a generator by one of the project's recipes, in the niced side process."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "train", lane="side", priority="batch", modules=("lab.generators.training",), title="Train a generator"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Train until done or out of time; checkpoints are kept in the workspace."""
    from contextlib import closing

    from lab.generators.training.recipe import train

    chosen = spec.settings
    # A run that was interrupted and queued again goes on from its own checkpoint.
    resume = chosen["resume"] or ctx.part("started") is not None
    ctx.save_part("started", b"yes")
    with closing(train(chosen["recipe"], minutes=chosen["minutes"], resume=resume)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return {"finished": end.value is not None, "card": str(end.value or "")}
            yield ctx.progress(step.stage, step.done, step.total)
