"""Training a small network that helps to measure: one loop, one checkpoint, averaged weights, resumed as it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAVE_S = 45.0
REPORT_EVERY = 10


@dataclass(frozen=True)
class Step:
    """Where a training is: steps done and in all, running loss."""

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
    import torch

    from lab.generators.training import checkpoint

    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=course.decay, fused=True)
    state = checkpoint.StageState(network, optimizer, course.average)
    checkpoint.restore(state, path)
    network.train()
    saved, running = time.monotonic(), float("nan")
    try:
        while state.step < course.steps:
            for group in optimizer.param_groups:
                group["lr"] = course.rate_at(state.step)
            loss = course.loss_at(state.step)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            course.after()
            state.step += 1
            state.update_average()
            told = float(loss.detach())
            running = told if math.isnan(running) else 0.95 * running + 0.05 * told
            if time.monotonic() - saved > SAVE_S:
                checkpoint.save(state, path)
                saved = time.monotonic()
            if state.step % REPORT_EVERY == 0:
                yield Step(state.step, course.steps, running)
    finally:
        checkpoint.save(state, path)
    checkpoint.copy_into(network, state.average)
    return network.eval()
