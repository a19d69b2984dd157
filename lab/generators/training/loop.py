"""A stage that trains one network: its state, its learning rate by step, its steps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from lab.generators.training import steps
from lab.generators.training.checkpoint import ALONE, TrainingState, Turn
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import generator_at

WARM_UP = 100
FALLING = 0.3
DECAY = 1e-3


def new_state(model: Any, rate: float, average: float) -> TrainingState:
    """AdamW over one model, with a running average of its parameters."""
    return TrainingState({ALONE: Turn(model, decay=DECAY)}, average, rate)


def rate_at(step: int, total: int, peak: float) -> float:
    """Learning rate of a step: it falls over the last 30 %, by steps and not by the clock.

    The constant part does not depend on the total, so a run may be made longer or shorter on the way.
    """
    return steps.rate_at(step, step / total, peak, min(WARM_UP, max(1, total // 10)), FALLING)


def run(
    recipe: TrainingRecipe,
    stage: str,
    state: TrainingState,
    place: Path,
    clock: Clock,
    *,
    total: int,
    peak: float,
    loss_at: Callable[[int], Any],
    sheet: Callable[[Path], None] | None = None,
    take: Callable[[Any, Any], None] | None = None,
) -> Generator[TrainingProgress, None, bool]:
    """Take the steps that are left; yields, returns and raises as `lab.generators.training.steps.taken`.

    Args:
        loss_at: the loss of a step.
        sheet: draws a contact sheet into a file.
        take: a step of the optimiser from (loss, torch generator of the step); by default one that clips gradients.
    """

    def step(number: int, share: float) -> Any:
        rate = rate_at(number, total, peak)
        if take is None:
            return steps.take_turn(state, ALONE, lambda: loss_at(number), rate)
        state.set_rate(ALONE, rate)
        loss = loss_at(number)
        take(loss, generator_at(recipe, f"{stage} noise", number))
        return loss.detach()

    return steps.taken(
        steps.Plan(stage, total, step, recipe.save_s, recipe.sheet_s, sheet), state, place, clock
    )
