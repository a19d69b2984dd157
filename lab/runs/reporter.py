"""Progress writes at most five times a second, and never later than a fifth of a second."""

from __future__ import annotations

import contextlib
import threading

from lab.errors import LeaseLost, StoreError
from lab.runs import clock
from lab.runs.spec import Progress
from lab.runs.store import RunStore

EVERY_S = 0.2


class Reporter:
    """Writes the progress of one claimed run.

    What arrives too soon after the last write is written by a timer, so that the progress shown during a slow
    batch is that of the batch before it, however fast those were.

    Args:
        store: the run store.
        token: of the claim.
    """

    def __init__(self, store: RunStore, token: str) -> None:
        self._store = store
        self._token = token
        self._lock = threading.Lock()
        self._pending: Progress | None = None
        self._timer: threading.Timer | None = None
        self._written_at = -EVERY_S
        self._stage = ""

    def tell(self, progress: Progress) -> None:
        """Write now when a stage begins or ends or the last write is old; soon otherwise.

        Raises:
            LeaseLost: when the token is stale.
        """
        ends = progress.total > 0 and progress.done >= progress.total
        with self._lock:
            self._pending = progress
            if ends or progress.stage != self._stage or clock.elapsed() - self._written_at >= EVERY_S:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(EVERY_S, self._write_late)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            self._pending = None
            if self._timer is not None:
                self._timer.cancel()

    def _write(self) -> None:
        if self._pending is not None:
            self._store.report(self._token, self._pending)
            self._stage, self._written_at, self._pending = self._pending.stage, clock.elapsed(), None

    def _write_late(self) -> None:
        with self._lock:
            self._timer = None
            # The run's own thread meets the same error at its next batch and deals with it.
            with contextlib.suppress(LeaseLost, StoreError):
                self._write()
