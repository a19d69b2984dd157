"""Opening the store's database, and short transactions that never show "database is locked" to a person.

A SQLite transaction that reads and then writes fails at once when another writer committed in between,
whatever the timeout. So a writing transaction opens with BEGIN IMMEDIATE here, and a reading one with BEGIN.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from lab.errors import StoreError
from lab.lock import UNWRITABLE
from lab.runs import schema

T = TypeVar("T")
BUSY_S = 10.0
_TRIES = 4
_NETWORK = ("nfs", "nfs4", "cifs", "smb", "smbfs", "smb3", "afpfs", "fuse.sshfs")


class Database:
    """The store's database: opened, checked, and reached through `read` and `write` only.

    Args:
        url: SQLAlchemy URL; `sqlite:////folder/runs.sqlite` or `postgresql+...`.

    Raises:
        StoreError: when the file is damaged, of a newer version, locked, read-only or on a network share.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.skips_locked = self.engine.dialect.name == "postgresql"
        self._reading = self.engine.execution_options(lab_reading=True)
        self.write(_prepare)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that only reads."""
        return self._attempt(self._reading, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that holds the write lock from its first statement.

        `work` may be called again after a clash, so it touches nothing but its connection.
        """
        return self._attempt(self.engine, work)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _attempt(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        for attempt in range(_TRIES):
            try:
                with engine.begin() as connection:
                    return work(connection)
            except DatabaseError as error:
                if attempt == _TRIES - 1 or not _passing(error):
                    raise explain(error) from error
            time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))  # noqa: S311  no secret: it spreads retries
        raise AssertionError("the last attempt returns or raises")


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    path = Path(parsed.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(UNWRITABLE) from error
    if on_network_share(path):
        raise StoreError(
            "The run store lies on a network share, where SQLite loses data; nothing was opened; "
            "set LAB_WORKSPACE to a local folder or LAB_STORE_URL to a PostgreSQL database."
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN is deferred and would come too late; _begin sends ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("lab_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(connection: Connection) -> None:
    tables = set(inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise _damaged()
    if not tables:
        schema.metadata.create_all(connection)
        connection.execute(schema.version.insert().values(version=schema.VERSION))
        return
    if schema.version.name not in tables:
        raise StoreError(
            "The file of the run store belongs to another program and was left as it is; "
            "set LAB_WORKSPACE to another folder."
        )
    stored = connection.execute(select(schema.version.c.version)).scalar()
    if stored is None or stored > schema.VERSION:
        raise StoreError(
            f"The run store has version {stored}, newer than this program's {schema.VERSION}; "
            "it was left as it is; start a newer Doppel, or set LAB_WORKSPACE to another folder."
        )
    # A table of its own that older programs pass over, so it needs no new version.
    schema.marks.create(connection, checkfirst=True)


def _passing(error: DatabaseError) -> bool:
    text = str(error.orig).lower()
    return isinstance(error, IntegrityError) or "locked" in text or "deadlock" in text or "serializ" in text


def _damaged() -> StoreError:
    return StoreError(
        "The run store's file is damaged; it was left as it is; move runs.sqlite out of the workspace, "
        "recover it with `sqlite3 runs.sqlite .recover`, or start without it (artifacts are kept)."
    )


def explain(error: DatabaseError) -> StoreError:
    """The sentence for a database error."""
    text = str(error.orig).lower()
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return _damaged()
    if "full" in text or "no space" in text:
        return StoreError(
            "The run store has no space left; earlier results are kept; free the disk and resume."
        )
    if "locked" in text:
        return StoreError(
            "Another program holds the run store; nothing was changed; close that program and try again."
        )
    if "readonly" in text or "read-only" in text or "unable to open" in text or "permission" in text:
        return StoreError(
            "The run store cannot be written; nothing was changed; allow writing to the workspace folder."
        )
    return StoreError(
        "The run store did not answer; nothing was changed; see the worker's log and try again."
    )


def on_network_share(path: Path) -> bool:
    """Whether `path` lies on a file system that is known to be remote."""
    import psutil

    place = path.absolute()
    mounts = [part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint)]
    nearest = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    return nearest is not None and nearest.fstype.lower() in _NETWORK
