"""The lane processes that a supervisor has started: their leases, their deaths, their replacement."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from lab.config import Settings
from lab.identity import is_paused, name_of
from lab.runs import clock
from lab.runs.kind import LANES, warmers
from lab.runs.lane import OUTDATED, SPOILED
from lab.runs.processes import LANE, kill_group, note, spawn
from lab.runs.store import RunStore

_FRUITLESS = 3
HUNG = (
    "The run gave no sign of life within its time limit and was stopped; finished batches are kept; "
    "resume it, or raise LAB_HANG_LIMIT_S."
)
UNSTARTABLE = (
    "The worker process could not start; nothing was computed; "
    "see logs/worker.log in the workspace, then resume."
)


@dataclass
class Attendant:
    """One living lane process."""

    lane: str
    name: str
    process: subprocess.Popen[bytes]
    has_worked: bool = False
    told_to_stop: bool = False


class Attendants:
    """At most one process a lane.

    Args:
        place: settings of the supervisor.
        store: the run store.
    """

    def __init__(self, place: Settings, store: RunStore) -> None:
        self._place = place
        self._store = store
        self._living: dict[str, Attendant] = {}
        self._fruitless = dict.fromkeys(LANES, 0)
        self.outdated = False

    def start(self, lane: str) -> None:
        """Start the process of a lane unless it lives."""
        if lane in self._living:
            return
        process = spawn(LANE, self._place, "--lane", lane, "--parent", str(os.getpid()))
        self._living[lane] = Attendant(lane, name_of(lane, process.pid), process)

    def start_warm(self) -> None:
        """Start the lanes for which a kind declares a warm-up, unless LAB_WARM is 0."""
        if os.environ.get("LAB_WARM", "1") == "0":
            return
        for lane in LANES:
            if warmers(lane):
                self.start(lane)

    def bury(self, putting_back: bool) -> None:
        """Notice dead lanes: their runs are interrupted, or put back when they ended on request."""
        for attendant in list(self._living.values()):
            status = attendant.process.poll()
            if status is None:
                continue
            kill_group(attendant.process.pid)
            asked = putting_back or status in (0, SPOILED, OUTDATED)
            if asked:
                left = self._store.release_worker(attendant.name)
            else:
                left = len(self._store.interrupt_worker(attendant.name))
            del self._living[attendant.lane]
            self.outdated = self.outdated or status == OUTDATED
            self._count(attendant, asked or left > 0)

    def _count(self, attendant: Attendant, fruitful: bool) -> None:
        """Fail what waits in a lane whose process keeps dying before it takes a run."""
        if fruitful or attendant.has_worked:
            self._fruitless[attendant.lane] = 0
            return
        self._fruitless[attendant.lane] += 1
        if self._fruitless[attendant.lane] >= _FRUITLESS:
            self._fruitless[attendant.lane] = 0
            self._store.fail_lane(attendant.lane, UNSTARTABLE)

    def beat(self) -> None:
        """Renew the leases of the lanes that compute; end those that hang."""
        reports = self._store.running_workers()
        for attendant in self._living.values():
            at = reports.get(attendant.name)
            paused = is_paused(attendant.process.pid)
            if at is None:
                if paused:
                    # It lost its run while it was paused, and would only keep the queue waiting.
                    kill_group(attendant.process.pid)
                continue
            attendant.has_worked = True
            if clock.elapsed() - at > self._place.hang_limit_s:
                self._store.fail_worker(attendant.name, HUNG)
                note(f"{attendant.lane}: stopped after {self._place.hang_limit_s} s without a report")
                kill_group(attendant.process.pid)
            elif not paused:
                self._store.heartbeat(attendant.name)

    def any_busy(self) -> bool:
        """Whether a lane of this supervisor holds a run."""
        return not {attendant.name for attendant in self._living.values()}.isdisjoint(
            self._store.running_workers()
        )

    def any_alive(self) -> bool:
        """Whether a lane lives."""
        return bool(self._living)

    def ask_to_stop(self) -> None:
        """Ask each lane, once, to put its run back at the next batch and end."""
        for attendant in self._living.values():
            if not attendant.told_to_stop:
                attendant.told_to_stop = True
                attendant.process.terminate()

    def kill(self) -> None:
        """End all lanes at once."""
        for attendant in self._living.values():
            kill_group(attendant.process.pid)
