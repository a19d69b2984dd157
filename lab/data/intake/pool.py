"""The pool of children: bundles of tasks go out, outcomes come back in order, a file that kills its child is refused.

A bundle whose child died (memory, time, crash) is tried again file by file, so that only the culprit is refused. What
is done does not depend on the number of children. At most a few bundles are on their way: memory stays flat.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lab.data.intake.child import NO_MEMORY, begin, take
from lab.data.intake.contract import DecodeLimits, Order, Outcome, Task
from lab.errors import StoreError, disk_full

if TYPE_CHECKING:
    from pebble import ProcessFuture, ProcessPool

BUNDLE = 64
BUNDLE_BYTES = 8_000_000
AHEAD = 4
_PRELOAD = ("lab.data.intake.child", "lab.data.readers.image", "lab.identity", "PIL.PngImagePlugin",
            "PIL.JpegImagePlugin", "PIL.TiffImagePlugin")  # fmt: skip
_CRASHED = "The file made the program that reads it stop; it was left out; export it again."
_REPLACED_AFTER = 500
_RETRIES = 3
# A child that dies before it takes its first task is replaced by another one, for ever.
_STARTED_WITHIN_S = 60
_NO_CHILDREN = (
    "Processes that read files cannot be started; nothing was imported; close other programs and try again."
)


class Pool:
    """Children that read files. Use it in a `with` block: all of them are gone at its end.

    Args:
        limits: of the children.
        order: what holds for all tasks.
    """

    def __init__(self, limits: DecodeLimits, order: Order) -> None:
        self._limits, self._order = limits, order
        self._pool: ProcessPool | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """What became of each task, in their order.

        Raises:
            StoreError: when no child can be started, or the disk is full.
        """
        waiting: deque[tuple[list[Task], ProcessFuture[list[Outcome]] | None]] = deque()
        for bundle in _bundles(tasks):
            waiting.append((bundle, self._sent(bundle)))
            while len(waiting) > self._limits.processes * AHEAD:
                yield from self._settled(*waiting.popleft())
        while waiting:
            yield from self._settled(*waiting.popleft())

    def _settled(self, bundle: list[Task], answer: ProcessFuture[list[Outcome]] | None) -> Iterator[Outcome]:
        found = self._taken(answer)
        if isinstance(found, list):
            yield from found
            return
        for task in bundle:
            yield self._alone(task)

    def _alone(self, task: Task) -> Outcome:
        """The outcome of one file in a bundle of its own."""
        for _ in range(_RETRIES):
            found = self._taken(self._sent([task]))
            if isinstance(found, list):
                return found[0]
            if isinstance(found, BrokenProcessPool):
                self._close()
            elif found is not None:
                return Outcome(task.number, self._reason(found))
        raise StoreError(_NO_CHILDREN)

    def _taken(self, answer: ProcessFuture[list[Outcome]] | None) -> list[Outcome] | Exception | None:
        """What a child answers, or what ended it; None where the pool broke before it was asked.

        Waits first until a child works on the oldest task, which is the next one any child takes.

        Raises:
            StoreError: when no child takes it in a minute.
            OSError: when the disk is full.
        """
        if answer is None:
            return None
        until = time.monotonic() + _STARTED_WITHIN_S
        while not (answer.running() or answer.done()):
            if time.monotonic() > until:
                self._close()
                raise StoreError(_NO_CHILDREN)
            wait([answer], timeout=0.5)
        try:
            return answer.result()
        # Memory, time, a crash: what ended the child decides what becomes of the file.
        except Exception as error:
            if disk_full(error):
                raise
            return error

    def _reason(self, error: Exception) -> str:
        """Why a file is left out that ended its child."""
        if isinstance(error, TimeoutError):
            return (
                f"Reading the file takes longer than {self._limits.seconds:g} s; it was left out; export it again or "
                "raise LAB_DECODE_SECONDS."
            )
        return NO_MEMORY if isinstance(error, MemoryError) else _CRASHED

    def _sent(self, bundle: list[Task]) -> ProcessFuture[list[Outcome]] | None:
        """The answer to come; None when the pool broke and has to be made anew."""
        try:
            if self._pool is None:
                self._pool = self._made()
            return self._pool.schedule(take, args=(bundle, self._order), timeout=self._limits.seconds)
        except (RuntimeError, BrokenProcessPool):
            self._close()
            return None

    def _made(self) -> ProcessPool:
        from pebble import ProcessPool

        environ = {name: value for name, value in os.environ.items() if name.startswith("LAB_")}
        return ProcessPool(
            self._limits.processes,
            _REPLACED_AFTER,
            begin,
            (environ, self._limits.memory_mb),
            multiprocessing_context(),
        )

    def _close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.stop()
            pool.join()


def multiprocessing_context() -> Any:
    """How children are started: from a server that has loaded what they need, or afresh where there is none."""
    # A child of multiprocessing cannot ask its parent's server.
    if sys.platform == "win32" or multiprocessing.parent_process() is not None:
        return multiprocessing.get_context("spawn")
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Children look at the program's main module again; what that imports is loaded once, in the server.
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    context.set_forkserver_preload([*_PRELOAD, *([main.name] if main is not None else ["__main__"])])
    return context


def _bundles(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks in bundles that end where enough files or bytes are together, or another group of rows begins."""
    bundle: list[Task] = []
    size = 0
    for task in tasks:
        last = bundle[-1] if bundle else None
        # Every group of rows of a Parquet file costs its own reading; the slices of one volume share one opening.
        if last and task.file == last.file and task.part.get("group") != last.part.get("group"):
            yield bundle
            bundle, size, last = [], 0, None
        size += _size(task.file) if last is None or task.file != last.file else 0
        bundle.append(task)
        if len(bundle) == BUNDLE or size >= BUNDLE_BYTES:
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  a Path a file costs more than the call
    except OSError:
        return 0
