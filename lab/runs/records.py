"""A run and a claim as the rest of the program sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from lab.runs.spec import Progress, RunSpec
from lab.runs.states import ENDED


@dataclass(frozen=True)
class Run:
    """One run as it stood when it was read. Times are wall-clock seconds, for display only.

    Args:
        id: opaque, 16 hexadecimal digits.
        digest: of everything the result depends on.
        state: queued, running, done, failed, cancelled or interrupted.
        result: what the kind returned; None unless done.
        error: the sentence to show; None unless failed or interrupted.
        attempts: how often a worker began it.
        cancel_requested: a person asked it to stop and it has not ended yet.
    """

    id: str
    digest: str
    kind: str
    label: str
    spec: RunSpec
    state: str
    priority: str
    lane: str
    created: float
    started: float | None
    ended: float | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: str | None
    worker: str | None
    attempts: int
    cancel_requested: bool

    @property
    def is_over(self) -> bool:
        """Whether the run has come to its one ending."""
        return self.state in ENDED

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, never negative; None before the end."""
        return None if self.started is None or self.ended is None else max(0.0, self.ended - self.started)

    @classmethod
    def from_row(cls, row: Row[Any]) -> Run:
        """The run of a row of the `runs` table."""
        return cls(
            id=row.id,
            digest=row.digest,
            kind=row.kind,
            label=row.label,
            spec=RunSpec.from_json(row.spec),
            state=row.state,
            priority=row.priority,
            lane=row.lane,
            created=row.created,
            started=row.started,
            ended=row.ended,
            progress=Progress.from_json(row.progress),
            result=json.loads(row.result) if row.result else None,
            error=row.error,
            worker=row.worker,
            attempts=row.attempts,
            cancel_requested=row.cancel_requested and row.state not in ENDED,
        )


@dataclass(frozen=True)
class Claim:
    """A worker's right to one run; every write for the run shows `token` and is refused once it is stale."""

    token: str
    run: Run


@dataclass(frozen=True)
class Standing:
    """What a worker asks between two batches."""

    cancel_requested: bool
    interactive_waits: bool
