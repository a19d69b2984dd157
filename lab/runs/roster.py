"""The workers table: who works in this workspace, with which code, and who was asked to stop."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from lab.runs import clock
from lab.runs.database import Database
from lab.runs.moves import interrupt, move
from lab.runs.schema import runs, workers
from lab.runs.states import FAILED, QUEUED, RUNNING


@dataclass(frozen=True)
class WorkerEntry:
    """A supervisor as it entered itself: its name (host, pid, birth), code digest, wall-clock start."""

    name: str
    code: str
    started: float
    stop_requested: bool


class Roster:
    """The part of the run store that supervisors and their clients use. See `RunStore`."""

    database: Database

    def enter(self, name: str, code: str) -> None:
        """Enter a supervisor."""
        row = {"name": name, "code": code, "started": clock.wall(), "stop_requested": False}
        self.database.write(lambda connection: connection.execute(insert(workers).values(**row)))

    def leave(self, name: str) -> None:
        """Strike a supervisor off."""
        self.database.write(
            lambda connection: connection.execute(delete(workers).where(workers.c.name == name))
        )

    def entries(self) -> list[WorkerEntry]:
        """All entered supervisors, the dead among them."""
        asked = select(workers.c.name, workers.c.code, workers.c.started, workers.c.stop_requested)
        return self.database.read(lambda c: [WorkerEntry(*row) for row in c.execute(asked)])

    def request_stop(self, name: str) -> None:
        """Ask a supervisor to stop after its batch and put its runs back into the queue."""
        asked = update(workers).where(workers.c.name == name).values(stop_requested=True)
        self.database.write(lambda connection: connection.execute(asked))

    def stop_requested(self, name: str) -> bool:
        """Whether that supervisor was asked to stop."""
        asked = select(workers.c.stop_requested).where(workers.c.name == name)
        return bool(self.database.read(lambda connection: connection.execute(asked).scalar()))

    def running_workers(self) -> dict[str, float]:
        """Workers that hold running runs, with their latest report on the boot clock."""
        asked = select(runs.c.worker, runs.c.reported_at).where(runs.c.state == RUNNING)

        def work(connection: Connection) -> dict[str, float]:
            latest: dict[str, float] = {}
            for worker, at in connection.execute(asked):
                latest[worker] = max(latest.get(worker, 0.0), at or 0.0)
            return latest

        return self.database.read(work)

    def queued_lanes(self) -> set[str]:
        """Lanes in which a run waits."""
        asked = select(runs.c.lane).where(runs.c.state == QUEUED).distinct()
        return self.database.read(lambda connection: set(connection.execute(asked).scalars()))

    def interrupt_worker(self, worker: str) -> list[str]:
        """End the runs of a worker that is dead; returns their ids."""
        return self.database.write(lambda connection: interrupt(connection, runs.c.worker == worker))

    def fail_worker(self, worker: str, message: str) -> list[str]:
        """Fail the run a worker hangs in, the last it reported on; interrupt those it kept waiting."""
        latest = select(runs.c.id).where(runs.c.worker == worker, runs.c.state == RUNNING)

        def work(connection: Connection) -> list[str]:
            hung = connection.execute(latest.order_by(runs.c.reported_at.desc()).limit(1)).scalar()
            if hung is None:
                return []
            asked = connection.execute(select(runs.c.cancel_requested).where(runs.c.id == hung)).scalar()
            if not asked:
                move(connection, runs.c.id == hung, FAILED, error=message)
            return [hung, *interrupt(connection, (runs.c.worker == worker))]

        return self.database.write(work)

    def release_worker(self, worker: str) -> int:
        """Put the runs of a worker that was stopped on request back into the queue; returns how many."""
        return self.database.write(
            lambda c: move(c, (runs.c.worker == worker) & (runs.c.state == RUNNING), QUEUED)
        )

    def fail_lane(self, lane: str, message: str) -> int:
        """Fail what waits in a lane that cannot be started; returns how many."""
        return self.database.write(
            lambda c: move(c, (runs.c.lane == lane) & (runs.c.state == QUEUED), FAILED, error=message)
        )
