"""Running one claimed run to one ending, batch by batch.

Between two batches the run may be cancelled, put back, or kept waiting while an interactive run goes first.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.config import Settings
from lab.errors import LeaseLost, RunCancelled, StoreError
from lab.runs.context import RunContext
from lab.runs.faults import judge, write_log
from lab.runs.kind import find_kind
from lab.runs.reporter import Reporter
from lab.runs.resident import Residents, free_memory
from lab.runs.spec import Progress
from lab.runs.states import RUNNING
from lab.runs.store import Claim, Run, RunStore

T = TypeVar("T")
CHANGED = (
    "The program changed since this run was queued, so its result would not be the one asked for; "
    "nothing was computed; restart the app and start the run again from its page."
)


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


@dataclass
class Executor:
    """Runs claims in this process.

    Args:
        store: the run store.
        settings: of this process.
        residents: models kept between runs.
        stopping: whether this process was asked to stop; its run is then put back into the queue.
        beat: called after each batch (an executor without a supervisor renews its lease here).
        wait: sleeps between attempts to write an ending while the store cannot be written.
        is_outdated: whether the sources on disk are newer than the code of this process.
        spoiled: set once memory ran out: replace this process.
        outdated: set once a run needed newer code: replace this process.
    """

    store: RunStore
    settings: Settings
    residents: Residents = field(default_factory=Residents)
    stopping: Callable[[], bool] = _never
    beat: Callable[[], None] = _nothing
    wait: Callable[[float], None] = time.sleep
    is_outdated: Callable[[], bool] = _never
    spoiled: bool = False
    outdated: bool = False

    def run(self, claim: Claim, worker: str, preempts: bool = True) -> Run | None:
        """Run a claim to its ending, or put it back when the process stops.

        Returns:
            the run as it ended; None when its lease was lost meanwhile.
        """
        batches: Generator[Progress, None, dict[str, Any]] | None = None
        failed = False
        try:
            if claim.run.spec.digest != claim.run.digest:
                return self._refuse(claim)
            context = RunContext(self.settings, self.residents, self.store, claim)
            batches = find_kind(claim.run.kind).execute(claim.run.spec, context)
            result = self._drive(batches, claim, worker, preempts)
            if result is None:
                return self._settle(lambda: self.store.release(claim.token))
            ended = self._settle(lambda: self.store.finish(claim.token, result))
            if ended is not None and ended.state != RUNNING:
                shutil.rmtree(self.settings.workspace / "parts" / claim.run.digest, ignore_errors=True)
            return ended
        except RunCancelled:
            return self._settle(lambda: self.store.mark_cancelled(claim.token))
        except LeaseLost:
            return None
        except Exception as error:  # noqa: BLE001  any error of a kind ends its run, never the process
            failed = True
            fault = judge(error, self.settings.workspace / "logs")
            self.spoiled = self.spoiled or fault.spoils
            return self._settle(lambda: self.store.fail(claim.token, fault.message))
        finally:
            self._close(batches, failed)

    def _refuse(self, claim: Claim) -> Run:
        """A run asked for under other code: put back when this process is the older one, else failed."""
        if self.is_outdated():
            self.outdated = True
            return self.store.release(claim.token)
        return self.store.fail(claim.token, CHANGED)

    def _close(self, batches: Generator[Progress, None, dict[str, Any]] | None, failed: bool) -> None:
        """End what a run began; an error holds on to its frames, so that after one everything is looked through."""
        try:
            if batches is not None:
                batches.close()
        except Exception as error:  # noqa: BLE001  clean-up of a kind that has ended must not end the process
            write_log(error, self.settings.workspace / "logs")
        free_memory(whole=failed)

    def _drive(
        self, batches: Generator[Progress, None, dict[str, Any]], claim: Claim, worker: str, preempts: bool
    ) -> dict[str, Any] | None:
        """The result, or None when the process stops first."""
        reporter = Reporter(self.store, claim.token)
        try:
            return self._batches(batches, claim, worker, preempts, reporter)
        finally:
            reporter.close()

    def _batches(
        self,
        batches: Generator[Progress, None, dict[str, Any]],
        claim: Claim,
        worker: str,
        preempts: bool,
        reporter: Reporter,
    ) -> dict[str, Any] | None:
        while True:
            if self.stopping() or self.outdated:
                return None
            standing = self.store.standing(claim.token)
            if standing.cancel_requested:
                raise RunCancelled("The run was cancelled; finished batches are kept; resume it to go on.")
            if preempts and standing.interactive_waits and claim.run.priority == "batch":
                self._let_pass(claim.run.lane, worker)
                continue
            try:
                progress = next(batches)
            except StopIteration as end:
                return dict(end.value or {})
            self.beat()
            reporter.tell(progress)

    def _let_pass(self, lane: str, worker: str) -> None:
        claim = self.store.claim(lane, worker, interactive_only=True)
        if claim is not None:
            self.run(claim, worker, preempts=False)

    def _settle(self, end: Callable[[], T]) -> T | None:
        """Write an ending; while the store cannot be written (disk full), try again until asked to stop."""
        for attempt in range(1000):
            try:
                return end()
            except LeaseLost:
                return None
            except StoreError:
                if self.stopping() or attempt == 999:
                    raise
                self.wait(1.0)
        return None
