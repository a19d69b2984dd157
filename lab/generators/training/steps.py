"""The steps of every training: turns of the optimisers, averages, checkpoints, contact sheets, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.device import CPU
from lab.generators.training import checkpoint
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.driven import Clock, TrainingProgress

REPORT_S = 1.0


class Seeded(Protocol):
    """Whatever random numbers are drawn for: a recipe."""

    @property
    def seed(self) -> int:
        """Decides every random number."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a training does, told by the number of a step and how much of the time given is over (0 to 1).

    Attributes:
        name: of the checkpoint and the contact sheets.
        steps: in all.
        take: takes one step and returns its loss, a tensor that is not waited for.
        save_s, sheet_s: seconds between checkpoints and between contact sheets.
        sheet: draws a contact sheet into a file; None for none.
    """

    name: str
    steps: int
    take: Callable[[int, float], Any]
    save_s: float
    sheet_s: float = float("inf")
    sheet: Callable[[Path], object] | None = None


def taken(
    plan: Plan, state: TrainingState, place: Path, clock: Clock
) -> Generator[TrainingProgress, None, bool]:
    """Take the steps that are left; returns True when all are taken, False when the time is over.

    A checkpoint is written at the end, every `plan.save_s` seconds, and when the run is stopped. Yields after the
    first step and then every second: the one moment at which the device is waited for.

    Raises:
        WeightsError: when the checkpoint belongs to another recipe.
    """
    path = file_of(place, plan.name)
    checkpoint.restore(state, path)
    for turn in state.turns.values():
        turn.network.train()
    saved = drawn = began = time.monotonic()
    told, spent, first = began - REPORT_S, state.seconds, state.step
    given, window, sheet = clock.deadline - began, list[Any](), newest_sheet(place, plan.name)
    try:
        while state.step < plan.steps and not clock.out_of_time():
            window.append(plan.take(state.step, (time.monotonic() - began) / max(given, 1e-9)))
            state.step += 1
            state.update_averages()
            now = time.monotonic()
            state.seconds = spent + now - began
            if now - saved > plan.save_s:
                checkpoint.save(state, path)
                saved = now
            if plan.sheet is not None and now - drawn > plan.sheet_s:
                sheet, drawn = _draw(plan, state, place), time.monotonic()
            if now - told > REPORT_S or state.step == plan.steps:
                told = now
                yield TrainingProgress(
                    plan.name, state.step, plan.steps, _noted(state, window), state.seconds, sheet
                )
        if window:
            _noted(state, window)
    finally:
        checkpoint.save(state, path)
    if plan.sheet is not None and state.step > first:
        sheet = _draw(plan, state, place)
    last = state.losses[-1][1] if state.losses else None
    yield TrainingProgress(plan.name, state.step, plan.steps, last, state.seconds, sheet)
    return state.step >= plan.steps


def take_turn(state: TrainingState, name: str, loss_of: Callable[[], Any], rate: float) -> Any:
    """One step of a turn's optimiser at that rate, the gradient clipped; returns the loss, not waited for."""
    import torch

    turn, optimizer = state.turns[name], state.optimizers[name]
    state.set_rate(name, rate)
    # Shapes never change: the fastest convolution is worth looking for.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
    if turn.clip:
        torch.nn.utils.clip_grad_norm_(turn.network.parameters(), turn.clip)
    optimizer.step()
    return loss.detach().float()


def rate_at(step: int, share: float, peak: float, warm_up: int, falling: float) -> float:
    """Learning rate: short warm-up, constant, then a straight line to a fiftieth at the end.

    Args:
        step: number of the step.
        share: how much of the training is over, 0 to 1.
        peak: highest rate.
        warm_up: steps until it is reached.
        falling: share of the training over which it falls.
    """
    return peak * min(1.0, (step + 1) / warm_up) * max(0.02, min(1.0, (1 - share) / falling))


def generator_at(recipe: Seeded, name: str, step: int, device: str = CPU) -> Any:
    """A torch generator that depends on the address of a step alone, so that resuming changes nothing."""
    import torch

    from lab.provenance import digest_json

    seed = int(digest_json([recipe.seed, name, step])[:12], 16)
    return torch.Generator(device=device).manual_seed(seed)


def file_of(place: Path, name: str) -> Path:
    """The checkpoint of a training of that name."""
    return place / f"{name}.safetensors"


def newest_sheet(place: Path, name: str) -> Path | None:
    """The last contact sheet of a training of that name."""
    return max((place / "sheets").glob(f"{name}-*.png"), default=None)


def _draw(plan: Plan, state: TrainingState, place: Path) -> Path:
    assert plan.sheet is not None  # noqa: S101 - asked for where there is one
    path = place / "sheets" / f"{plan.name}-{state.step:07d}.png"
    plan.sheet(path)
    return path


def _noted(state: TrainingState, window: list[Any]) -> float:
    """The mean loss of the steps since it was last noted, as a point of the curve."""
    import torch

    loss = float(torch.stack(window).mean())
    window.clear()
    state.losses.append((state.step, round(loss, 5)))
    return loss
