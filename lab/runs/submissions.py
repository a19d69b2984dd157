"""What people ask of the store: submit, look, cancel, resume."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, insert, null, select, update

from lab.errors import InputError
from lab.runs import clock
from lab.runs.database import Database
from lab.runs.kind import PRIORITIES, find_kind
from lab.runs.moves import fetch, move
from lab.runs.records import Run
from lab.runs.schema import runs
from lab.runs.spec import RunSpec
from lab.runs.states import CANCELLED, DONE, QUEUED, RESUMABLE, RUNNING, UNIQUE

Runs = list[Run]


class Submissions:
    """The part of the run store that pages and commands use. See `RunStore`."""

    database: Database

    def submit(self, spec: RunSpec, anew: bool = False) -> Run:
        """Queue a run, or give the queued, running or done run of the same digest.

        Args:
            spec: what to do.
            anew: compute again although a done run exists (its artifacts were changed, say);
                the old one stays listed.

        Raises:
            NotFoundError: for an unknown kind.
        """
        kind, digest = find_kind(spec.kind), spec.digest
        values = {
            "digest": digest,
            "kind": kind.name,
            "lane": kind.lane,
            "priority": kind.priority,
            "rank": PRIORITIES.index(kind.priority),
            "label": spec.label,
            "spec": spec.to_json(),
            "state": QUEUED,
        }

        def work(connection: Connection) -> Run:
            if anew:
                old = (runs.c.digest == digest) & (runs.c.state == DONE)
                connection.execute(update(runs).where(old).values(superseded=True))
            served = connection.execute(select(runs).where(_live(digest))).first()
            if served is not None:
                # Asked for again while it was being cancelled: the last wish holds.
                again = (runs.c.id == served.id) & (runs.c.state == RUNNING)
                connection.execute(update(runs).where(again).values(cancel_requested=False))
                return fetch(connection, served.id)
            run_id = secrets.token_hex(8)
            connection.execute(insert(runs).values(**values, id=run_id, created=clock.wall()))
            return fetch(connection, run_id)

        return self.database.read(lambda c: self._served(c, digest, anew)) or self.database.write(work)

    @staticmethod
    def _served(connection: Connection, digest: str, anew: bool) -> Run | None:
        if anew:
            return None
        row = connection.execute(select(runs).where(_live(digest))).first()
        return None if row is None or row.cancel_requested else Run.from_row(row)

    def get(self, run_id: str) -> Run:
        """The run of that id.

        Raises:
            NotFoundError: when there is none.
        """
        return self.database.read(lambda connection: fetch(connection, run_id))

    def list(
        self,
        states: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        limit: int = 100,
        results: bool = True,
    ) -> Runs:
        """The newest runs first, at most `limit`, of these states and kinds (None: all).

        Without `results` every result is None: a list of runs needs none, and they can be large.
        """
        columns = [null().label("result") if not results and one.name == "result" else one for one in runs.c]
        asked = select(*columns).order_by(runs.c.seq.desc()).limit(limit)
        if states is not None:
            asked = asked.where(runs.c.state.in_(states))
        if kinds is not None:
            asked = asked.where(runs.c.kind.in_(kinds))
        return self.database.read(lambda connection: [Run.from_row(row) for row in connection.execute(asked)])

    def queue(self) -> Runs:
        """What runs now and what waits, in the order in which it will be taken; results are none yet."""
        asked = select(runs).where(runs.c.state.in_((RUNNING, QUEUED)))
        ordered = asked.order_by((runs.c.state == QUEUED), runs.c.rank, runs.c.seq)
        return self.database.read(
            lambda connection: [Run.from_row(row) for row in connection.execute(ordered)]
        )

    def move_to_front(self, run_id: str) -> Run:
        """Let a queued run be taken before all others that wait; any other run stays as it is.

        Raises:
            NotFoundError: when there is none of that id.
        """

        def work(connection: Connection) -> Run:
            first = select(func.min(runs.c.rank)).where(runs.c.state == QUEUED).scalar_subquery()
            here = (runs.c.id == run_id) & (runs.c.state == QUEUED)
            connection.execute(update(runs).where(here).values(rank=first - 1))
            return fetch(connection, run_id)

        return self.database.write(work)

    def find_done(self, digest: str) -> Run | None:
        """The done run of that digest, or None."""
        asked = select(runs).where(_live(digest), runs.c.state == DONE)
        row = self.database.read(lambda connection: connection.execute(asked).first())
        return None if row is None else Run.from_row(row)

    def cancel(self, run_id: str) -> Run:
        """Ask a run to stop: a queued one ends at once, a running one within one batch, an ended one stays.

        Raises:
            NotFoundError: when there is none of that id.
        """

        def work(connection: Connection) -> Run:
            here = runs.c.id == run_id
            if not move(connection, here & (runs.c.state == QUEUED), CANCELLED):
                running = here & (runs.c.state == RUNNING)
                connection.execute(update(runs).where(running).values(cancel_requested=True))
            return fetch(connection, run_id)

        return self.database.write(work)

    def resume(self, run_id: str) -> Run:
        """Queue a failed, cancelled or interrupted run again; its finished parts are kept.

        When the same run was queued again meanwhile, that one is returned.

        Raises:
            NotFoundError: when there is none of that id.
            InputError: when the code of its kind has changed since, so its parts would not fit.
        """
        before = self.get(run_id)
        if before.state not in RESUMABLE:
            return before
        if before.spec.digest != before.digest:
            raise InputError(
                "The program changed since this run was started, so its batches no longer fit; "
                "they were kept; start it again from its page."
            )

        def work(connection: Connection) -> Run:
            served = connection.execute(select(runs).where(_live(before.digest))).first()
            if served is not None:
                return Run.from_row(served)
            here = (runs.c.id == run_id) & runs.c.state.in_(RESUMABLE)
            move(connection, here, QUEUED, error=None, ended=None, cancel_requested=False)
            return fetch(connection, run_id)

        return self.database.write(work)


def _live(digest: str) -> ColumnElement[bool]:
    return (runs.c.digest == digest) & runs.c.state.in_(UNIQUE) & runs.c.superseded.is_(False)
