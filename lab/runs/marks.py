"""What a person notes of a run: a star, a note, tags. Kept in the run store, for each person apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, insert, select

from lab.errors import InputError
from lab.runs import clock
from lab.runs.schema import marks
from lab.runs.store import RunStore

MAX_NOTE = 2000
MAX_TAGS = 12
MAX_TAG = 30


@dataclass(frozen=True)
class Mark:
    """One person's mark on one run; empty where nothing was noted.

    Attributes:
        run_id: of the run.
        starred: whether it is a favourite.
        note: free text of at most `MAX_NOTE` characters.
        tags: lower case, each once, in the order of their letters.
    """

    run_id: str
    starred: bool = False
    note: str = ""
    tags: tuple[str, ...] = ()


def person_key(name: str) -> str:
    """How a person is called in the store: never by name. All who are not signed in are one person."""
    return hashlib.sha256(name.strip().lower().encode()).hexdigest() if name.strip() else "local"


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: lower case, single blanks, each once, sorted."""
    return tuple(sorted({" ".join(tag.lower().split()) for tag in tags} - {""}))


def marks_of(store: RunStore, person: str) -> dict[str, Mark]:
    """All marks of a person (`person_key`) by run id."""
    asked = select(marks).where(marks.c.person == person)
    rows = store.database.read(lambda connection: list(connection.execute(asked)))
    return {row.run_id: Mark(row.run_id, row.starred, row.note, tuple(json.loads(row.tags))) for row in rows}


def set_mark(store: RunStore, person: str, mark: Mark) -> Mark:
    """Keep a person's mark on a run in place of an earlier one; an empty one is taken off.

    Raises:
        InputError: for a note or tags beyond their limits; nothing is stored.
    """
    kept = replace(mark, tags=clean_tags(mark.tags))
    if len(kept.note) > MAX_NOTE or len(kept.tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in kept.tags):
        raise InputError(
            f"A note takes up to {MAX_NOTE:,} characters and a run up to {MAX_TAGS} tags of {MAX_TAG} characters; "
            "nothing was stored."
        )
    here = (marks.c.person == person) & (marks.c.run_id == kept.run_id)
    values = {
        "starred": kept.starred,
        "note": kept.note,
        "tags": json.dumps(kept.tags),
        "updated": clock.wall(),
    }

    def work(connection: Connection) -> None:
        connection.execute(delete(marks).where(here))
        if kept != Mark(kept.run_id):
            connection.execute(insert(marks).values(person=person, run_id=kept.run_id, **values))

    store.database.write(work)
    return kept
