"""The loop that every stage shares: learning rate by step, running average, checkpoints, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from lab.generators.training import checkpoint
from lab.generators.training.checkpoint import StageState
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.recipe import TrainingRecipe

WARM_UP = 100
DECAY_SHARE = 0.3
REPORT_EVERY = 10
LOG_EVERY = 25


def new_state(model: Any, rate: float, decay: float) -> StageState:
    """AdamW over a model, with a running average of its parameters."""
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True
    )
    return StageState(model, optimizer, decay)


def rate_at(step: int, total: int, peak: float) -> float:
    """Learning rate: short warm-up, constant, then a straight line to a fiftieth over the last 30 %.

    The constant part does not depend on the total, so a run may be made longer or shorter on the way.
    """
    warm = min(1.0, (step + 1) / min(WARM_UP, max(1, total // 10)))
    left = (total - step) / max(1.0, total * DECAY_SHARE)
    return peak * warm * max(0.02, min(1.0, left))


def generator_at(recipe: TrainingRecipe, stage: str, step: int) -> Any:
    """A torch generator that depends on the address of a step alone, so that resuming changes nothing."""
    import torch

    from lab.provenance import digest_json

    return torch.Generator().manual_seed(int(digest_json([recipe.seed, stage, step])[:12], 16))


def run(
    recipe: TrainingRecipe,
    stage: str,
    state: StageState,
    place: Path,
    clock: Clock,
    *,
    total: int,
    peak: float,
    loss_at: Callable[[int], Any],
    sheet: Callable[[StageState, Path], None] | None = None,
    take: Callable[[Any, Any], None] | None = None,
) -> Generator[TrainingProgress, None, bool]:
    """Take the steps that are left; returns True when all are taken, False when the time is over.

    A checkpoint is written at the end, every `recipe.save_s` seconds, and when the run is stopped.

    Args:
        loss_at: the loss of a step.
        take: a step of the optimiser from (loss, torch generator of the step); by default one that clips gradients.
    """
    path = place / f"{stage}.safetensors"
    checkpoint.restore(state, path)
    saved = drawn = began = time.monotonic()
    spent, running = state.seconds, None
    state.model.train()
    try:
        while state.step < total and not clock.out_of_time():
            for group in state.optimizer.param_groups:
                group["lr"] = rate_at(state.step, total, peak)
            loss = loss_at(state.step)
            if take is None:
                _take(state, loss)
            else:
                take(loss, generator_at(recipe, f"{stage} noise", state.step))
            state.step += 1
            state.update_average()
            loss = float(loss.detach())
            now = time.monotonic()
            state.seconds = spent + now - began
            running = loss if running is None else 0.95 * running + 0.05 * loss
            if state.step % LOG_EVERY == 0:
                state.losses.append((state.step, round(running, 5)))
            if now - saved > recipe.save_s:
                checkpoint.save(state, path)
                saved = time.monotonic()
            if sheet is not None and now - drawn > recipe.sheet_s:
                sheet(state, place / "sheets" / f"{stage}-{state.step:06d}.png")
                drawn = time.monotonic()
            if state.step % REPORT_EVERY == 0:
                yield TrainingProgress(stage, state.step, total, running, state.seconds)
    finally:
        checkpoint.save(state, path)
    if sheet is not None and running is not None:
        sheet(state, place / "sheets" / f"{stage}-{state.step:06d}.png")
    yield TrainingProgress(stage, state.step, total, running, state.seconds)
    return state.step >= total


def _take(state: StageState, loss: Any) -> None:
    """One step of the optimiser, the gradient clipped."""
    import torch

    state.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    state.optimizer.step()
