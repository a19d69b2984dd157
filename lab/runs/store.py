"""The run store: every run, its state, its progress and its result, in one database."""

from __future__ import annotations

from functools import lru_cache

from lab.config import Settings, settings
from lab.runs.database import Database
from lab.runs.leases import Leases
from lab.runs.records import Claim, Run, Standing
from lab.runs.roster import Roster
from lab.runs.submissions import Submissions

__all__ = ["Claim", "Run", "RunStore", "Standing"]


class RunStore(Submissions, Leases, Roster):
    """Runs in a database; safe to use from several threads and processes.

    Args:
        url: SQLAlchemy URL, SQLite or PostgreSQL.
        lease_s: seconds after its last heartbeat that a worker loses its runs; None takes the setting.

    Raises:
        StoreError: when the store cannot be opened; its file is never overwritten.
    """

    def __init__(self, url: str, lease_s: float | None = None) -> None:
        self.database = Database(url)
        self.lease_s = settings().lease_s if lease_s is None else lease_s

    @classmethod
    def open(cls, chosen: Settings | None = None) -> RunStore:
        """The store of this workspace, opened once in a process."""
        place = chosen or settings()
        return _opened(place.store_url, place.lease_s)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()


@lru_cache(maxsize=8)
def _opened(url: str, lease_s: float) -> RunStore:
    return RunStore(url, lease_s)
