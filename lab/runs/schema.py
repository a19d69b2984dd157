"""The tables of the run store."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, text

from lab.runs.states import UNIQUE

VERSION = 1

metadata = MetaData()

version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("lane", String(20), nullable=False),
    Column("priority", String(20), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("superseded", Boolean, nullable=False, default=False),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("progress", Text),
    Column("result", Text),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker", String(200)),
    Column("token", String(32), unique=True),
    Column("lease_boot", String(64)),
    Column("lease_at", Float),
    Column("reported_at", Float),
)

parts = Table(
    "parts",
    metadata,
    Column("run_digest", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("code", String(64), nullable=False),
    Column("started", Float, nullable=False),
    Column("stop_requested", Boolean, nullable=False, default=False),
)

marks = Table(
    "run_marks",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("run_id", String(16), primary_key=True),
    Column("starred", Boolean, nullable=False, default=False),
    Column("note", Text, nullable=False, default=""),
    Column("tags", Text, nullable=False, default="[]"),
    Column("updated", Float, nullable=False),
)

_one_live = text("state IN ({}) AND NOT superseded".format(", ".join(f"'{state}'" for state in UNIQUE)))
Index("one_live_run", runs.c.digest, unique=True, sqlite_where=_one_live, postgresql_where=_one_live)
Index("next_run", runs.c.state, runs.c.lane, runs.c.rank, runs.c.seq)
Index("runs_of_worker", runs.c.worker, runs.c.state)
