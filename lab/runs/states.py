"""The states of a run and the only moves between them."""

from __future__ import annotations

QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
INTERRUPTED = "interrupted"

STATES = (QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED)
ENDED = (DONE, FAILED, CANCELLED, INTERRUPTED)
RESUMABLE = (FAILED, CANCELLED, INTERRUPTED)
UNIQUE = (QUEUED, RUNNING, DONE)
"""Among these, one digest has one run."""

_MOVES: dict[str, tuple[str, ...]] = {
    QUEUED: (RUNNING, CANCELLED, FAILED),
    RUNNING: (DONE, FAILED, CANCELLED, INTERRUPTED, QUEUED),
    DONE: (),
    FAILED: (QUEUED,),
    CANCELLED: (QUEUED,),
    INTERRUPTED: (QUEUED,),
}


def may_move(old: str, new: str) -> bool:
    """Whether a run in state `old` may go to state `new`."""
    return new in _MOVES[old]


def sources(new: str) -> tuple[str, ...]:
    """The states from which a run may go to `new`."""
    return tuple(old for old in STATES if may_move(old, new))
