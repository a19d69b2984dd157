"""The supervisor, one a workspace: starts the lanes when they are needed, keeps their leases, replaces them.

It loads no model and computes nothing, so it answers whatever a run does. `python -m lab.runs.supervisor`.
"""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("worker")

import argparse  # noqa: E402  the thread policy comes before any import that may load a maths library
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from types import FrameType  # noqa: E402

from lab.config import Settings, settings  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.identity import is_alive, is_local, own_name  # noqa: E402
from lab.lock import LOCK, FileLock  # noqa: E402
from lab.runs import clock  # noqa: E402
from lab.runs.attendants import Attendants  # noqa: E402
from lab.runs.processes import SUPERVISOR, note, spawn, worker_code  # noqa: E402
from lab.runs.store import RunStore  # noqa: E402

STOP_PATIENCE_S = 7.0
_LOCK_PATIENCE_S = 1.0
# Whoever asked this one to go starts the next with an environment of its own; a successor of this environment would
# be outdated at once and asked to go again. It takes over only when nobody else does.
_AFTER_THE_ASKER_S = 5.0


class Supervisor:
    """The loop of the supervisor.

    Args:
        place: settings of this process.
    """

    def __init__(self, place: Settings) -> None:
        self.place = place
        self.name = own_name("supervisor")
        self.store = RunStore.open(place)
        self.lanes = Attendants(place, self.store)
        self._signalled = threading.Event()
        self._stop_at: float | None = None
        self._next_beat = 0.0
        self._last_beat = clock.elapsed()
        self._reaps_from = 0.0
        self._busy_at = clock.elapsed()
        self._told = ""
        self.wants_successor = False
        self.successor_after_s = 0.0

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler: end within ten seconds; unfinished runs go back into the queue."""
        self._signalled.set()

    def run(self) -> None:
        """Supervise until asked to stop, outdated, or idle for long."""
        self.store.enter(self.name, worker_code(self.place))
        self._bury_strangers()
        self.lanes.start_warm()
        while not self._turn():
            self._signalled.wait(self.place.poll_s if self._stop_at is None else 0.05)
        self.store.leave(self.name)

    def _turn(self) -> bool:
        """One turn of the loop; returns whether all is over."""
        try:
            self._heed_stops()
            self.lanes.bury(putting_back=self._stop_at is not None)
            if clock.elapsed() >= self._next_beat:
                began = clock.elapsed()
                self._next_beat = began + self.place.heartbeat_s
                # After a sleep of the whole machine the lanes wake in any order: they get time to be seen alive.
                if began - self._last_beat > self.store.lease_s / 2:
                    self._reaps_from = began + self.store.lease_s
                self._last_beat = began
                self.lanes.beat()
                if began >= self._reaps_from:
                    self.store.reap(began)
            return self._may_end()
        except (LabError, OSError) as error:
            # The store may come back (disk freed, lock dropped); lanes and their results wait for it.
            if str(error) != self._told:
                self._told = str(error)
                note(f"supervisor: {error}")
            return self._stop_at is not None and clock.elapsed() > self._stop_at

    def _heed_stops(self) -> None:
        now = clock.elapsed()
        if self._signalled.is_set():
            self._stop_at = min(self._stop_at or now + STOP_PATIENCE_S, now + STOP_PATIENCE_S)
            self._signalled.clear()
            self.wants_successor = False
        elif self._stop_at is None and (self.lanes.outdated or self.store.stop_requested(self.name)):
            # Asked by newer code: the batch may take its time.
            self._stop_at = now + self.place.hang_limit_s
            self.wants_successor = True
            self.successor_after_s = 0.0 if self.lanes.outdated else _AFTER_THE_ASKER_S
        if self._stop_at is not None:
            self.lanes.ask_to_stop()
            if now > self._stop_at:
                self.lanes.kill()

    def _may_end(self) -> bool:
        if self._stop_at is not None:
            return not self.lanes.any_alive()
        queued = self.store.queued_lanes()
        for lane in sorted(queued):
            self.lanes.start(lane)
        now = clock.elapsed()
        if queued or self.lanes.any_busy():
            self._busy_at = now
        elif now - self._busy_at > self.place.idle_exit_s:
            self._stop_at = now + STOP_PATIENCE_S
            self.wants_successor = True
        return False

    def _bury_strangers(self) -> None:
        """End the runs of workers of this host that died with an earlier supervisor."""
        for entry in self.store.entries():
            if is_local(entry.name) and not is_alive(entry.name):
                self.store.leave(entry.name)
        for worker in self.store.running_workers():
            if is_local(worker) and not is_alive(worker):
                self.store.interrupt_worker(worker)
        self.store.reap()


def main(argv: list[str] | None = None) -> int:
    """Supervise this workspace in this process; returns at once when another supervisor does."""
    parser = argparse.ArgumentParser(prog="lab.runs.supervisor")
    parser.add_argument("--workspace", default=None)
    parser.add_argument("--detach", action="store_true", help="leave the starting process at once")
    parser.add_argument(
        "--after", type=float, default=0.0, help="seconds that another may take to come first"
    )
    parser.add_argument("--stop", action="store_true", help="stop the workers of the workspace instead")
    asked = parser.parse_args([] if argv is None else argv)
    if asked.workspace:
        os.environ["LAB_WORKSPACE"] = asked.workspace
    place = settings()
    if asked.stop:
        from lab.runs.client import stop_workers

        stop_workers(place)
        return 0
    if asked.detach:
        if os.fork() > 0:
            os._exit(0)
        os.setsid()
    time.sleep(asked.after)
    lock = FileLock(place.workspace / LOCK)
    if not lock.acquire(_LOCK_PATIENCE_S):
        print("A worker already serves this workspace; nothing was started.", file=sys.stderr)
        return 0
    try:
        supervisor = Supervisor(place)
        signal.signal(signal.SIGTERM, supervisor.stop)
        signal.signal(signal.SIGINT, supervisor.stop)
        supervisor.run()
    except LabError as error:
        note(f"supervisor: {error}")
        return 1
    finally:
        lock.release()
    # A run submitted while this one was leaving found the lock held and started no worker.
    if supervisor.wants_successor and supervisor.store.queued_lanes():
        spawn(SUPERVISOR, place, "--detach", "--after", str(supervisor.successor_after_s)).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
