"""Code that reports through a callback, as a generator: so that a run can be cancelled or kept waiting there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from queue import Queue
from typing import Any, TypeVar

from lab.errors import RunCancelled
from lab.runs.context import RunContext
from lab.runs.spec import Progress

T = TypeVar("T")


def stepwise(work: Callable[[Callable[..., None]], T], ahead: int = 0) -> Generator[tuple[Any, ...], None, T]:
    """Run `work(report)` in a thread and yield the arguments of each `report(...)` call.

    The thread stands still while the consumer does not ask for more, so a pre-empted run computes nothing.
    Closing the generator makes the next `report` raise, which ends `work` there.

    Args:
        work: gets the callback and returns the result of the whole.
        ahead: reports that the thread may be ahead of the consumer, so that it need not wait while one is written down.

    Returns:
        what `work` returned; what it raised is raised here.
    """
    reports: Queue[tuple[str, Any]] = Queue()
    go_on = threading.Semaphore(ahead)
    stopped = threading.Event()

    def report(*arguments: Any) -> None:
        reports.put(("report", arguments))
        go_on.acquire()
        if stopped.is_set():
            raise RunCancelled("The run was cancelled; finished batches are kept; resume it to go on.")

    def body() -> None:
        try:
            reports.put(("result", work(report)))
        except BaseException as error:  # noqa: BLE001  handed over to the consumer, who raises it
            reports.put(("error", error))

    thread = threading.Thread(target=body, name="stepwise", daemon=True)
    thread.start()
    ended = False
    try:
        while True:
            kind, value = reports.get()
            if kind == "report":
                yield value
                go_on.release()
                continue
            ended = True
            if kind == "error":
                raise value
            return value
    finally:
        if not ended:
            stopped.set()
            go_on.release()
            thread.join(timeout=60)


def relay(
    steps: Generator[tuple[Any, ...], None, Any], ctx: RunContext, stage: str
) -> Generator[Progress, None, Any]:
    """Turn (done, total) or (stage, done, total) reports into progress; returns what the work returned."""
    try:
        while True:
            arguments = next(steps)
            done, total = arguments[-2:]
            yield ctx.progress(str(arguments[0]) if len(arguments) == 3 else stage, done, total)
    except StopIteration as end:
        return end.value
    finally:
        steps.close()
