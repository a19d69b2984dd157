"""What readers said of a case before they saw any score: one small file a case and reader, the last word wins.

A reader is a random code. No name is asked for, so none can be kept.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.atomic import write_json
from lab.config import settings
from lab.errors import InputError
from lab.neighbours.intervals import Share, wilson

STEPS = (
    "Certainly different",
    "Probably different",
    "Undecided",
    "Probably the same",
    "Certainly the same",
)
SAME_FROM = 4
TRAINING, CONTROL = "training", "control"
SAMPLE, CATCH = "sample", "held-out"
# Without letters and digits that are taken for each other when a code is read aloud.
_LETTERS = "abdefghkmnpqrstuvwxyz23456789"
_READER = re.compile(rf"[{_LETTERS}]{{6}}\Z")
_CASE = re.compile(r"[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class CaseVerdict:
    """One reader's word on one case.

    Attributes:
        case: opaque code of the case.
        reader: code of the reader.
        samples: the set that the case is from.
        source: "sample", or "held-out" where a held-out film was asked as a sample.
        training, control: 1 (certainly different) to 5 (certainly the same), for the training film and for the
            held-out film.
        first: which of both stood on the left, "training" or "control".
        seconds: from the moment the case was shown.
        updated: seconds since 1970.
    """

    case: str
    reader: str
    samples: str
    source: str
    training: int
    control: int
    first: str
    seconds: float = 0.0
    updated: float = 0.0


@dataclass(frozen=True)
class Told:
    """How often readers told the training film from the control.

    Attributes:
        share: of the readings that preferred one of both, those that preferred the training film; chance is 0.5,
            since sides are drawn at random. None without such a reading.
        undecided: readings that rated both alike.
    """

    share: Share | None
    undecided: int

    @property
    def readings(self) -> int:
        """All readings, undecided ones too."""
        return self.undecided + (self.share.n if self.share else 0)


def new_reader() -> str:
    """A code for a reader, drawn at random."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


def is_reader(code: object) -> bool:
    """Whether that is a reader's code."""
    return isinstance(code, str) and _READER.match(code) is not None


def save(verdict: CaseVerdict) -> CaseVerdict:
    """Store a verdict over an earlier one of the same case and reader.

    Raises:
        InputError: for a step outside 1..5, an unknown side or source, or a code of another form.
        StoreError: when the disk is full or the folder cannot be written.
    """
    if not _holds(verdict):
        raise InputError(
            "A verdict takes one of five steps for each of both films; nothing was stored; choose both."
        )
    kept = replace(verdict, updated=time.time())
    write_json(_place(kept.case, kept.reader), asdict(kept))
    return kept


def load(case: str, reader: str) -> CaseVerdict | None:
    """A reader's verdict on a case, None where there is none or its file is damaged."""
    return _read(_place(case, reader)) if _CASE.match(case) and is_reader(reader) else None


def of_case(case: str) -> list[CaseVerdict]:
    """All readers' verdicts on one case, the earliest first."""
    return _sorted(_folder().glob(f"{case}.*.json")) if _CASE.match(case) else []


def of_set(samples: str) -> list[CaseVerdict]:
    """All verdicts on the cases of one set, the earliest first."""
    return [one for one in _sorted(_folder().glob("*.json")) if one.samples == samples]


def said_same(found: Iterable[CaseVerdict], side: str = TRAINING) -> tuple[int, int]:
    """How many readers said that this film is of the same patient (step 4 or 5), and how many there are."""
    steps = [one.training if side == TRAINING else one.control for one in found]
    return sum(step >= SAME_FROM for step in steps), len(steps)


def told_apart(found: Sequence[CaseVerdict]) -> Told:
    """How often the training film was rated more alike than the control."""
    decided = [one for one in found if one.training != one.control]
    right = sum(one.training > one.control for one in decided)
    people = len({one.reader for one in decided})
    share = wilson(right, len(decided), people) if decided else None
    return Told(share, len(found) - len(decided))


def _holds(verdict: CaseVerdict) -> bool:
    steps = all(
        isinstance(step, int) and not isinstance(step, bool) and 1 <= step <= 5
        for step in (verdict.training, verdict.control)
    )
    sides = verdict.first in (TRAINING, CONTROL) and verdict.source in (SAMPLE, CATCH)
    return steps and sides and bool(_CASE.match(verdict.case)) and is_reader(verdict.reader)


def _folder() -> Path:
    return settings().workspace / "leakage" / "verdicts"


def _place(case: str, reader: str) -> Path:
    return _folder() / f"{case}.{reader}.json"


def _sorted(paths: Iterable[Path]) -> list[CaseVerdict]:
    found = [verdict for verdict in map(_read, paths) if verdict is not None]
    return sorted(found, key=lambda one: (one.updated, one.case, one.reader))


def _read(path: Path) -> CaseVerdict | None:
    try:
        told = json.loads(path.read_text("utf-8"))
        verdict = CaseVerdict(**told)
        named = path.name == f"{verdict.case}.{verdict.reader}.json"
        return verdict if named and _holds(verdict) else None
    except (OSError, ValueError, TypeError):
        return None
