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
    budget = _Budget(60 * float(chosen["minutes"]))
    with closing(known.train(recipe, chosen["minutes"], resume)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                card = str(end.value or "")
                return {"finished": end.value is not None, "card": card, "told": teller.tell()}
            message = "" if step.loss is None else f"loss {step.loss:.4f}"
            stage = known.stage_title(step.stage)
            yield budget.ends(ctx.progress(stage, step.done, step.total, teller.heard(step), message))


class _Budget:
    """The minutes given: a training ends with them or with its steps, whichever comes first.

    Args:
        seconds: given to all stages together, counted from now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = clock.elapsed()
        self._stage, self._stage_began = "", self._began

    def ends(self, told: Progress) -> Progress:
        """A progress by steps, led by the clock where the minutes are over before the steps are."""
        now = clock.elapsed()
        if told.stage != self._stage:
            self._stage, self._stage_began = told.stage, now
        left, gone = max(0.0, self._began + self._seconds - now), now - self._stage_began
        by_steps = told.remaining_s
        told = replace(told, remaining_s=left if by_steps is None else min(left, by_steps))
        if not gone or self._stage_began >= self._began + self._seconds:
            return told  # what is written after the minutes are over ends by its own steps
        # Of two that go on evenly, the one that has come further ends first.
        told = replace(told, share=max(told.fraction, gone / (gone + left)))
        if by_steps is None or by_steps <= left:
            return told
        ends = f"Its {self._seconds / 60:g} minutes are over before its last step."
        return replace(told, message=f"{told.message} · {ends}" if told.message else ends)


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
