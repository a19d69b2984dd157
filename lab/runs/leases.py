"""What workers ask of the store: claim under a lease, report, and end the run in one way.

Every write shows the claim's token. A worker that was paused past its lease finds its token gone, gets
`LeaseLost`, and its late result is dropped.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from lab.errors import LeaseLost
from lab.identity import is_local
from lab.provenance import canonical_json
from lab.runs import clock
from lab.runs.database import Database
from lab.runs.moves import fetch, interrupt, move
from lab.runs.records import Claim, Run, Standing
from lab.runs.schema import parts, runs
from lab.runs.spec import Progress
from lab.runs.states import CANCELLED, DONE, FAILED, QUEUED, RUNNING

_LOST = "Another worker owns this run now; the late result was dropped; nothing needs to be done."


class Leases:
    """The part of the run store that workers use. See `RunStore`."""

    database: Database
    lease_s: float

    def claim(self, lane: str, worker: str, interactive_only: bool = False) -> Claim | None:
        """Take the next run of a lane: interactive before batch, then the oldest; None when none waits."""
        waiting = (runs.c.state == QUEUED) & (runs.c.lane == lane)
        if interactive_only:
            waiting &= runs.c.priority == "interactive"
        return self._claim(waiting, worker)

    def claim_run(self, run_id: str, worker: str) -> Claim | None:
        """Take one run by id; None when it is not queued."""
        return self._claim((runs.c.state == QUEUED) & (runs.c.id == run_id), worker)

    def _claim(self, waiting: ColumnElement[bool], worker: str) -> Claim | None:
        first = select(runs.c.id).where(waiting).order_by(runs.c.rank, runs.c.seq).limit(1)
        if self.database.read(lambda connection: connection.execute(first).first()) is None:
            return None
        taking = first.with_for_update(skip_locked=True) if self.database.skips_locked else first
        token = secrets.token_hex(16)

        def work(connection: Connection) -> Claim | None:
            run_id = connection.execute(taking).scalar()
            if run_id is None:
                return None
            beat = {
                "lease_boot": clock.boot_id(),
                "lease_at": clock.elapsed(),
                "reported_at": clock.elapsed(),
            }
            attempts = runs.c.attempts + 1
            started = func.coalesce(runs.c.started, clock.wall())
            move(
                connection,
                runs.c.id == run_id,
                RUNNING,
                token=token,
                worker=worker,
                attempts=attempts,
                started=started,
                **beat,
            )
            return Claim(token, fetch(connection, run_id))

        return self.database.write(work)

    def heartbeat(self, worker: str) -> int:
        """Renew the leases of all runs of `worker`; returns how many."""
        beat = {"lease_boot": clock.boot_id(), "lease_at": clock.elapsed()}
        mine = (runs.c.worker == worker) & (runs.c.state == RUNNING)
        return self.database.write(lambda c: c.execute(update(runs).where(mine).values(**beat)).rowcount)

    def report(self, token: str, progress: Progress) -> None:
        """Store how far a run has come.

        Raises:
            LeaseLost: when the token is stale.
        """
        values = {"progress": progress.to_json(), "reported_at": clock.elapsed()}
        self._held(token, lambda c: c.execute(update(runs).where(_mine(token)).values(**values)).rowcount)

    def standing(self, token: str) -> Standing:
        """Whether to go on, between two batches.

        Raises:
            LeaseLost: when the token is stale.
        """

        def work(connection: Connection) -> Standing | None:
            row = connection.execute(select(runs.c.cancel_requested, runs.c.lane).where(_mine(token))).first()
            return (
                None
                if row is None
                else Standing(row.cancel_requested, _interactive_waits(connection, row.lane))
            )

        found = self.database.read(work)
        if found is None:
            raise LeaseLost(_LOST)
        return found

    def waiting_interactive(self, lane: str) -> bool:
        """Whether an interactive run waits in `lane`."""
        return self.database.read(lambda connection: _interactive_waits(connection, lane))

    def finish(self, token: str, result: dict[str, Any]) -> Run:
        """End a run as done, or as cancelled when that was asked for before this call.

        Raises:
            LeaseLost: when the token is stale.
            ValueError, TypeError: when the result is not plain finite JSON.
        """
        text = canonical_json(result)

        def work(connection: Connection) -> str | None:
            run_id = _holder(connection, token)
            if run_id is None:
                return None
            wanted = _mine(token) & runs.c.cancel_requested.is_(False)
            if not move(connection, wanted, DONE, result=text, error=None):
                move(connection, _mine(token), CANCELLED)
            else:
                _forget_parts(connection, run_id)
            return run_id

        return self._ended(token, work)

    def fail(self, token: str, message: str) -> Run:
        """End a run as failed with the sentence to show. Raises LeaseLost when the token is stale."""
        return self._end(token, FAILED, message)

    def mark_cancelled(self, token: str) -> Run:
        """End a run as cancelled. Raises LeaseLost when the token is stale."""
        return self._end(token, CANCELLED, None)

    def release(self, token: str) -> Run:
        """Put a running run back into the queue, its parts kept. Raises LeaseLost when the token is stale."""

        def work(connection: Connection) -> str | None:
            run_id = _holder(connection, token)
            if not move(connection, _mine(token) & runs.c.cancel_requested.is_(False), QUEUED):
                move(connection, _mine(token), CANCELLED)
            return run_id

        return self._ended(token, work)

    def _end(self, token: str, state: str, error: str | None) -> Run:
        def work(connection: Connection) -> str | None:
            run_id = _holder(connection, token)
            move(connection, _mine(token), state, error=error)
            return run_id

        return self._ended(token, work)

    def part_digest(self, run_digest: str, key: str) -> str | None:
        """Content digest of a finished part, or None."""
        asked = select(parts.c.digest).where(parts.c.run_digest == run_digest, parts.c.key == key)
        return self.database.read(lambda connection: connection.execute(asked).scalar())

    def record_part(self, token: str, key: str, digest: str) -> None:
        """Record a finished part. Raises LeaseLost when the token is stale."""

        def work(connection: Connection) -> int:
            owner = connection.execute(select(runs.c.digest).where(_mine(token))).scalar()
            if owner is None:
                return 0
            connection.execute(delete(parts).where(parts.c.run_digest == owner, parts.c.key == key))
            connection.execute(insert(parts).values(run_digest=owner, key=key, digest=digest))
            return 1

        self._held(token, work)

    def _held(self, token: str, work: Any) -> None:
        if not self.database.write(work):
            raise LeaseLost(_LOST)

    def _ended(self, token: str, work: Any) -> Run:
        run_id = self.database.write(work)
        if run_id is None:
            raise LeaseLost(_LOST)
        return self.database.read(lambda connection: fetch(connection, run_id))

    def reap(self, since: float | None = None) -> list[str]:
        """End the runs whose lease is stale or of another boot; returns their ids.

        Args:
            since: when the caller began to renew its own leases. If half a lease has gone by since then, the caller
                itself stood still (a sleeping laptop): nothing is ended until it has renewed them again.
        """
        asked = select(runs.c.id, runs.c.worker, runs.c.lease_boot, runs.c.lease_at)
        asked = asked.where(runs.c.state == RUNNING)

        def stale(connection: Connection) -> list[str]:
            found = connection.execute(asked).all()
            if since is not None and clock.elapsed() - since > self.lease_s / 2:
                return []
            # Boot clocks compare on one machine only; a shared database is reaped by each host for itself.
            ours = [row for row in found if not self.database.skips_locked or is_local(row.worker)]
            return [row.id for row in ours if clock.is_stale(row.lease_boot, row.lease_at, self.lease_s)]

        if not self.database.read(stale):
            return []
        return self.database.write(lambda c: interrupt(c, runs.c.id.in_(stale(c))))


def _mine(token: str) -> ColumnElement[bool]:
    return (runs.c.token == token) & (runs.c.state == RUNNING)


def _holder(connection: Connection, token: str) -> str | None:
    return connection.execute(select(runs.c.id).where(_mine(token))).scalar()


def _interactive_waits(connection: Connection, lane: str) -> bool:
    waiting = (runs.c.state == QUEUED) & (runs.c.lane == lane) & (runs.c.priority == "interactive")
    return connection.execute(select(runs.c.id).where(waiting).limit(1)).first() is not None


def _forget_parts(connection: Connection, run_id: str) -> None:
    owner = select(runs.c.digest).where(runs.c.id == run_id).scalar_subquery()
    connection.execute(delete(parts).where(parts.c.run_digest == owner))
