"""Who looked at what on the leakage page: an append-only list in the workspace.

One line of JSON an event: time, signed-in user or "local", dataset, opaque case codes, action. No name of a patient,
no prompt and no file name can get in: everything but the user is checked against its form. A full file is renamed, not
emptied; nothing here removes an entry.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.config import settings
from lab.errors import InputError, StoreError
from lab.provenance import canonical_json

OPENED, VERDICT, REVEALED, EXPORTED = "opened", "verdict", "revealed", "exported"
ACTIONS = (OPENED, VERDICT, REVEALED, EXPORTED)
LOCAL = "local"
MAX_BYTES = 2_000_000
MAX_CASES = 200
MAX_USER = 120
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}\Z")
_FILE = "access.jsonl"


@dataclass(frozen=True)
class Entry:
    """One event.

    Attributes:
        time: UTC, ISO 8601, to the second.
        user: who was signed in, or "local".
        action: one of `ACTIONS`.
        dataset: id of the dataset whose films were on screen.
        cases: opaque codes.
    """

    time: str
    user: str
    action: str
    dataset: str
    cases: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What one user did: events by action, distinct cases, and the last time, UTC."""

    user: str
    opened: int
    verdicts: int
    revealed: int
    exported: int
    cases: int
    last: str


def record(action: str, dataset: str, cases: Sequence[str], user: str = LOCAL) -> Entry:
    """Append one event and force it to the disk.

    Args:
        action: one of `ACTIONS`.
        dataset: id of the dataset whose films were shown.
        cases: opaque codes of what was shown, at most `MAX_CASES`; further ones are left out.
        user: who is signed in.

    Raises:
        InputError: for another action, or a dataset or case that is no opaque code.
        StoreError: when the list cannot be written.
    """
    codes = tuple(dict.fromkeys(cases))[:MAX_CASES]
    if action not in ACTIONS or not all(_CODE.match(text) for text in (dataset, *codes)):
        raise InputError("Only known actions and opaque codes are listed; nothing was written; check both.")
    name = " ".join(user.split())[:MAX_USER] or LOCAL
    entry = Entry(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), name, action, dataset, codes)
    try:
        _append(_folder(), canonical_json(asdict(entry)).encode("utf-8"))
    except OSError as error:
        raise StoreError(
            "The list of who looked cannot be written, so nothing more is shown; earlier entries are kept; "
            "free the disk or make the workspace writable."
        ) from error
    return entry


def entries(limit: int = 1000) -> list[Entry]:
    """The latest events, newest first; damaged lines are passed over."""
    found: list[Entry] = []
    for path in _files():
        found += reversed(list(_read(path)))
        if len(found) >= limit:
            break
    return found[:limit]


def who_looked(found: Iterable[Entry]) -> list[Looked]:
    """One row a user, the latest first."""
    users: dict[str, list[Entry]] = {}
    for entry in found:
        users.setdefault(entry.user, []).append(entry)
    rows = []
    for user, own in users.items():
        counts = {action: sum(one.action == action for one in own) for action in ACTIONS}
        cases = len({code for one in own for code in one.cases})
        last = max(one.time for one in own)
        rows.append(
            Looked(user, counts[OPENED], counts[VERDICT], counts[REVEALED], counts[EXPORTED], cases, last)
        )
    return sorted(rows, key=lambda row: row.last, reverse=True)


def _folder() -> Path:
    return settings().workspace / "leakage"


def _append(folder: Path, line: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    if path.is_file() and path.stat().st_size >= MAX_BYTES:
        # Two processes may do this at once: names differ, so neither overwrites the other's file.
        path.replace(folder / f"access.{time.time_ns()}.jsonl")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A line that a crash has cut off must not swallow this one.
        cut = os.fstat(descriptor).st_size > 0
        if cut:
            os.lseek(descriptor, -1, os.SEEK_END)
            cut = os.read(descriptor, 1) != b"\n"
        os.write(descriptor, (b"\n" if cut else b"") + line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files() -> list[Path]:
    """Newest first."""
    folder = _folder()
    older = sorted(folder.glob("access.*.jsonl"), key=lambda path: path.name, reverse=True)
    return [path for path in (folder / _FILE, *older) if path.is_file()]


def _read(path: Path) -> Iterator[Entry]:
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return
    for line in lines:
        try:
            told = json.loads(line)
            yield Entry(
                str(told["time"]),
                str(told["user"]),
                str(told["action"]),
                str(told["dataset"]),
                tuple(str(code) for code in told["cases"]),
            )
        except (ValueError, TypeError, KeyError):
            continue
