"""What an unfinished run has already made: its kept parts, read by pages while it goes on or after it was stopped."""

from __future__ import annotations

import json
from typing import Any

from lab.errors import NotFoundError, StoreError
from lab.runs.records import Run


def records_of(run: Run, key: str) -> list[dict[str, Any]]:
    """The samples {artifact, recipe} that a run keeps under a key; [] where they are not there."""
    from lab.config import settings
    from lab.runs.artifacts import Artifacts
    from lab.runs.store import RunStore

    digest = RunStore.open().part_digest(run.digest, key)
    if digest is None:
        return []
    try:
        records: list[dict[str, Any]] = json.loads(
            Artifacts(settings().workspace / "parts" / run.digest).read(digest)
        )
    except (NotFoundError, StoreError, ValueError):
        return []
    return records


def micro_batch_key(start: int) -> str:
    """Under which name a generation keeps the micro-batch that begins with that sample."""
    return f"micro-batch-{start}"


def finished_samples(run: Run) -> list[dict[str, Any]]:
    """The samples {artifact, seed, recipe} of a generation that are finished, in their order.

    Behind a quality gate there are none to show before the end: a sample may still be made anew.
    """
    from lab.generators.request import MICRO_BATCH

    if run.kind != "generate" or run.spec.settings.get("gate"):
        return []
    found: list[dict[str, Any]] = []
    for start in range(0, len(run.spec.settings["seeds"]), MICRO_BATCH):
        records = records_of(run, micro_batch_key(start))
        if not records:
            break
        found += [{**one, "seed": one["recipe"]["seed"]} for one in records]
    return found
