"""Rows moving between states: the only statements that write `runs.state`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from lab.errors import NotFoundError
from lab.runs import clock
from lab.runs.records import Run
from lab.runs.schema import runs
from lab.runs.states import CANCELLED, ENDED, INTERRUPTED, sources

GONE = "The worker stopped before the run was finished; finished batches are kept; resume the run to go on."
_FREE: dict[str, Any] = {"token": None, "lease_boot": None, "lease_at": None, "reported_at": None}


def move(connection: Connection, where: ColumnElement[bool], new: str, **values: Any) -> int:
    """Move the rows under `where` to state `new` where that is allowed; returns how many moved.

    Leaving "running" gives up the lease; an ending gets its time, never before the start.
    """
    if new in ENDED:
        now = clock.wall()
        started = func.coalesce(runs.c.started, now)
        values["ended"] = func.max(started, now) if _is_sqlite(connection) else func.greatest(started, now)
        values["cancel_requested"] = False
    if new != "running":
        values = {**_FREE, **values}
    allowed = runs.c.state.in_(sources(new))
    return connection.execute(update(runs).where(where, allowed).values(state=new, **values)).rowcount


def interrupt(connection: Connection, where: ColumnElement[bool]) -> list[str]:
    """End running rows whose worker is gone: cancelled where that was asked for, else interrupted."""
    ended = []
    found = connection.execute(
        select(runs.c.id, runs.c.cancel_requested).where(where, runs.c.state == "running")
    ).all()
    for run_id, asked in found:
        state, error = (CANCELLED, None) if asked else (INTERRUPTED, GONE)
        if move(connection, runs.c.id == run_id, state, error=error):
            ended.append(run_id)
    return ended


def fetch(connection: Connection, run_id: str) -> Run:
    """The run of that id.

    Raises:
        NotFoundError: when there is none.
    """
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if row is None:
        raise NotFoundError(
            "There is no run of that id here; nothing was changed; choose one from the list of runs."
        )
    return Run.from_row(row)


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
