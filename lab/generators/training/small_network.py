"""Training a small network that helps to measure: its course, averaged weights, resumed as it stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.training.driven import Clock

SAVE_S = 45.0


@dataclass(frozen=True)
class Step:
    """Where a training is: steps done and in all, mean loss since it was last told."""

    done: int
    total: int
    loss: float


@dataclass(frozen=True)
class Course:
    """What a training does at each step, told by its number alone.

    Args:
        steps: of the optimiser.
        rate_at: learning rate of a step.
        loss_at: loss of a step.
        average: decay of the averaged weights.
        decay: weight decay.
        after: what is done to the network after each step of the optimiser.
    """

    steps: int
    rate_at: Callable[[int], float]
    loss_at: Callable[[int], Any]
    average: float
    decay: float
    after: Callable[[], None] = lambda: None


def follow(course: Course, network: Any, rate: float, path: Path) -> Generator[Step, None, Any]:
    """Train until all steps are taken; returns the network with averaged weights, in evaluation mode.

    A checkpoint is written at the end, every 45 seconds, and when the generator is closed.

    Args:
        course: what to do.
        network: on the processor; trained in place.
        rate: highest learning rate.
        path: of the checkpoint.
    """
    from lab.generators.training import steps
    from lab.generators.training.checkpoint import ALONE, TrainingState, Turn

    # Betas are AdamW's own.
    turn = Turn(network, betas=(0.9, 0.999), decay=course.decay)
    state = TrainingState({ALONE: turn}, course.average, rate)

    def take(step: int, _: float) -> Any:
        loss = steps.take_turn(state, ALONE, lambda: course.loss_at(step), course.rate_at(step))
        course.after()
        return loss

    plan = steps.Plan(path.stem, course.steps, take, SAVE_S)
    with closing(steps.taken(plan, state, path.parent, Clock(math.inf))) as told:
        for one in told:
            if one.loss is not None:
                yield Step(one.done, one.total, one.loss)
    state.settle()
    return network.eval()
