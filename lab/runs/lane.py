"""The process of one lane: claims runs, computes them batch by batch, keeps models between them.

Started by the supervisor as `python -m lab.runs.lane --workspace W --lane device --parent PID`.
"""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("worker")

import argparse  # noqa: E402  the thread policy comes before any import that may load a maths library
import contextlib  # noqa: E402
import faulthandler  # noqa: E402
import inspect  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from types import FrameType  # noqa: E402

from lab.config import Settings, settings  # noqa: E402
from lab.errors import StoreError  # noqa: E402
from lab.identity import die_with_parent, own_name  # noqa: E402
from lab.registry import Registry  # noqa: E402
from lab.runs.context import RunContext  # noqa: E402
from lab.runs.execution import Executor  # noqa: E402
from lab.runs.faults import write_log  # noqa: E402
from lab.runs.kind import LANES, RunKind, load_kinds, warmers  # noqa: E402
from lab.runs.processes import note, worker_code  # noqa: E402
from lab.runs.store import RunStore  # noqa: E402

SPOILED = 75
OUTDATED = 76
SIDE_NICENESS = 10


class Lane:
    """The loop of one lane.

    Args:
        lane: "device" or "side".
        place: settings of this process.
        parent: process id of the supervisor.
    """

    def __init__(self, lane: str, place: Settings, parent: int) -> None:
        self.lane = lane
        self.place = place
        self.parent = parent
        self.name = own_name(lane)
        self.code = worker_code(place)
        self.store = RunStore.open(place)
        self._stop = threading.Event()
        self.executor = Executor(
            self.store, place, stopping=self.stopping, wait=self._wait, is_outdated=self.is_outdated
        )

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler: put the run back at the next batch and end."""
        self._stop.set()

    def stopping(self) -> bool:
        """Whether this process was asked to end, or has lost its supervisor."""
        return self._stop.is_set() or os.getppid() != self.parent

    def is_outdated(self) -> bool:
        """Whether the sources on disk are no longer those this process was started with."""
        return worker_code(self.place) != self.code

    def run(self) -> int:
        """Work until asked to stop; returns the exit status."""
        warm = os.environ.get("LAB_WARM", "1") == "0"
        while not self.stopping():
            try:
                claim = self.store.claim(self.lane, self.name)
                if claim is not None:
                    self.executor.run(claim, self.name)
            except StoreError as error:
                note(f"{self.lane}: {error}")
                self._wait(1.0)
                continue
            if self.executor.spoiled or self.executor.outdated:
                return SPOILED if self.executor.spoiled else OUTDATED
            if claim is None:
                warm = warm or self._warm()
                self._wait(self.place.poll_s)
        return 0

    def _warm(self) -> bool:
        context = RunContext(self.place, self.executor.residents)
        for hook in warmers(self.lane):
            try:
                steps = hook(context)
                if inspect.isgenerator(steps):
                    for _ in steps:
                        if self.stopping() or self.lane in self.store.queued_lanes():
                            steps.close()
            except Exception as error:  # noqa: BLE001  a model that cannot be loaded early is loaded, or fails, in its run
                write_log(error, self.place.workspace / "logs")
        return True

    def _wait(self, seconds: float) -> None:
        self._stop.wait(seconds)


def _pin(kinds: Registry[RunKind]) -> None:
    """Take the digests of the sources while they are those that were just imported."""
    for _, kind in kinds:
        # A kind that declares a module which is not there fails its own runs, not the lane.
        with contextlib.suppress(ValueError, ImportError):
            _ = kind.code


def main(argv: list[str] | None = None) -> int:
    """Entry point of a lane's process."""
    parser = argparse.ArgumentParser(prog="lab.runs.lane")
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--lane", choices=LANES, required=True)
    parser.add_argument("--parent", type=int, required=True)
    asked = parser.parse_args(argv)
    die_with_parent(asked.parent)
    faulthandler.enable()
    os.environ["LAB_WORKSPACE"] = asked.workspace
    if asked.lane == "side":
        os.nice(SIDE_NICENESS)
    _pin(load_kinds())
    lane = Lane(asked.lane, settings(), asked.parent)
    signal.signal(signal.SIGTERM, lane.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return lane.run()


if __name__ == "__main__":
    sys.exit(main())
