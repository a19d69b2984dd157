"""Planned images read one after the other: from the journal where an earlier attempt has them, else in a child."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.config import settings
from lab.data.intake.contract import Order, Outcome, Task, limits_of, task_of
from lab.data.intake.journal import Journal
from lab.data.intake.pool import Pool
from lab.data.sources.contract import PlannedImage


def outcomes(
    images: Sequence[PlannedImage], staging: Path, recipe: Mapping[str, Any] | None = None, seed: int = 0
) -> Generator[Outcome, None, None]:
    """One outcome an image, in the order given.

    Args:
        images: what to read.
        staging: receives images and masks, and the journal.
        recipe: of the preprocessing, as JSON; None stores every pixel as it was.
        seed: of the recipe.
    """
    limits = limits_of(settings())
    with Journal(staging, [recipe, seed]) as journal:
        keys = [journal.key(image) for image in images]
        known = {n: found for n, key in enumerate(keys) if (found := journal.finished(key, n)) is not None}
        tasks: Iterator[Task] = (task_of(n, image) for n, image in enumerate(images) if n not in known)
        with Pool(limits, Order(staging, limits.image, recipe, seed)) as pool:
            read = pool.outcomes(tasks)
            for number, key in enumerate(keys):
                outcome = known.get(number)  # kept: the tasks, which are made as they are needed, ask it too
                if outcome is None:
                    outcome = next(read)
                    journal.add(key, outcome)
                yield outcome
