"""Training a generator by one of the project's recipes, in the niced side process."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.runs import clock
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec
from lab.runs.training_view import thinned

if TYPE_CHECKING:
    from lab.generators.training.driven import TrainingProgress

TELL_S = 10.0
PART = "told"


@run_kind(
    "train", lane="side", priority="batch", modules=("lab.generators.training",), title="Train a generator"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Train until done or out of time; checkpoints are kept in the workspace.

    Every few seconds, and whenever there is a new contact sheet, the preview tells the losses so far and that sheet:
    `lab.runs.training_view` reads it.
    """
    from contextlib import closing

    from lab.generators.training import known

    chosen = spec.settings
    recipe = known.find(chosen["recipe"], chosen.get("values"))
    # A run that was interrupted and queued again goes on from its own checkpoint.
    resume = chosen["resume"] or ctx.part("started") is not None
    ctx.save_part("started", b"yes")
    teller = _Teller(ctx, ctx.settings.workspace / "training" / recipe.id / "sheets")
    end_s = clock.elapsed() + 60 * float(chosen["minutes"])
    with closing(known.train(recipe, chosen["minutes"], resume)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                card = str(end.value or "")
                return {"finished": end.value is not None, "card": card, "told": teller.tell()}
            message = "" if step.loss is None else f"loss {step.loss:.4f}"
            stage = known.stage_title(step.stage)
            told = ctx.progress(stage, step.done, step.total, teller.heard(step), message)
            if told.remaining_s is not None:
                # It stops when its minutes are over, however many steps are left.
                told = replace(told, remaining_s=min(told.remaining_s, max(0.0, end_s - clock.elapsed())))
            yield told


class _Teller:
    """Losses and newest contact sheet of a run, as an artifact that is written anew from time to time."""

    def __init__(self, ctx: RunContext, sheets: Path) -> None:
        self._ctx, self._sheets = ctx, sheets
        # What an earlier attempt told goes on.
        kept = json.loads(ctx.part(PART) or b"{}")
        self._losses: list[list[Any]] = kept.get("losses", [])
        self._sheet: str | None = kept.get("sheet")
        self._drawn: Path | None = None
        self._digest: str | None = None
        self._last = float("-inf")

    def heard(self, step: TrainingProgress) -> str | None:
        """Take one report in; returns the digest of what was told last."""
        if step.loss is not None:
            self._losses.append([step.stage, step.done, round(step.loss, 5)])
        if clock.elapsed() - self._last > TELL_S or self._newest() != self._drawn:
            self.tell()
        return self._digest

    def tell(self) -> str:
        """Write losses and sheet; returns the artifact's digest."""
        newest = self._newest()
        if newest is not None and newest != self._drawn:
            self._drawn, self._sheet = newest, self._ctx.artifact(newest.read_bytes(), ".png")
        told = json.dumps({"losses": thinned(self._losses), "sheet": self._sheet}).encode()
        self._ctx.save_part(PART, told)
        self._digest, self._last = self._ctx.artifact(told, ".json"), clock.elapsed()
        return self._digest

    def _newest(self) -> Path | None:
        return max(self._sheets.glob("*.png"), key=lambda path: path.stat().st_mtime, default=None)
