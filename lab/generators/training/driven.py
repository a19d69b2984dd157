"""How a training runs: its folder, its clock, what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lab.config import settings
from lab.errors import InputError


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training run is: stage, steps done and in all, running loss, seconds spent in the stage."""

    stage: str
    done: int
    total: int
    loss: float | None = None
    seconds: float = 0.0
    sheet: Path | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Clock:
    """When the run has to stop, and how its stages report. Times from `time.monotonic`."""

    deadline: float

    def out_of_time(self) -> bool:
        """True once the minutes given are over."""
        return time.monotonic() >= self.deadline


def driven(
    id: str,
    steps_of: Callable[[Path, Clock], Generator[TrainingProgress, None, Path | None]],
    minutes: float | None,
    resume: bool,
    on_progress: Callable[[TrainingProgress], None] | None,
    folder: Path | None,
) -> Generator[TrainingProgress, None, Path | None]:
    """Run the steps of a training in its folder, under a clock; arguments and errors are those of `train`."""
    if minutes is not None and not 0 < minutes <= 10_000:
        raise InputError("Minutes must be a number above 0 and at most 10,000; nothing was started.")
    place = folder or settings().workspace / "training" / id
    if not resume:
        _keep_aside(place)
    place.mkdir(parents=True, exist_ok=True)
    clock = Clock(time.monotonic() + (minutes * 60 if minutes is not None else float("inf")))
    # Closing writes the checkpoint of the stage that is under way.
    with closing(steps_of(place, clock)) as steps:
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                return end.value
            if on_progress is not None:
                on_progress(progress)
            yield progress


def _keep_aside(place: Path) -> None:
    """Give an earlier run's folder another name, so that nothing trained is ever overwritten."""
    if not place.exists():
        return
    number = 1
    while (kept := place.with_name(f"{place.name}.{number}")).exists():
        number += 1
    place.rename(kept)
