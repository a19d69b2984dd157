"""Quick reviews of samples: one small file an image, the last word wins, exported as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.atomic import write_json
from lab.config import settings
from lab.errors import InputError

FLAGS = ("artefact", "wrong anatomy", "wrong side", "looks copied")
MAX_NOTE = 2000
_DIGEST = re.compile(r"[0-9a-f]{16,64}\Z")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Review:
    """What a person said of one image.

    Attributes:
        image: digest of the image file.
        quality: 1 (poor) to 5 (indistinguishable from a good film), or None.
        flags: some of `FLAGS`.
        note: free text of at most `MAX_NOTE` characters.
        run: the run that made the image, "" for none.
        updated: seconds since 1970.
    """

    image: str
    quality: int | None = None
    flags: tuple[str, ...] = ()
    note: str = ""
    run: str = ""
    updated: float = 0.0


def save(review: Review) -> Review:
    """Store a review over an earlier one of the same image.

    Raises:
        InputError: for a value out of its range.
    """
    quality = review.quality is None or review.quality in range(1, 6)
    if not quality or not set(review.flags) <= set(FLAGS) or len(review.note) > MAX_NOTE:
        raise InputError(
            f"A review takes 1 to 5, the listed flags and a note of up to {MAX_NOTE} characters; nothing was stored."
        )
    kept = Review(review.image, review.quality, review.flags, review.note, review.run, time.time())
    write_json(_place(review.image), asdict(kept))
    return kept


def load(image: str) -> Review:
    """The review of an image; an empty one when there is none."""
    return _read(_place(image)) or Review(image)


def every() -> list[Review]:
    """All reviews, newest first; a damaged file is passed over."""
    found = (_read(path) for path in _folder().glob("*.json"))
    return sorted((review for review in found if review), key=lambda review: -review.updated)


def matching(reviews: Iterable[Review], lowest: int, flags: Sequence[str]) -> list[Review]:
    """Reviews of at least that quality (0: any, rated or not) that carry all of `flags`."""
    return [r for r in reviews if (r.quality or 0) >= lowest and set(flags) <= set(r.flags)]


def as_csv(rows: Iterable[dict[str, object]]) -> bytes:
    """Rows as UTF-8 CSV, a column for every key; cells that a spreadsheet would run as a formula are neutralised."""
    listed = list(rows)
    text = io.StringIO()
    if listed:
        writer = csv.DictWriter(
            text, fieldnames=list(dict.fromkeys(key for row in listed for key in row)), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in listed)
    return text.getvalue().encode("utf-8-sig")


def row(review: Review) -> dict[str, object]:
    """One review as a row of the exported table."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(review.updated))
    return {
        "image": review.image,
        "quality": "" if review.quality is None else review.quality,
        **{flag: int(flag in review.flags) for flag in FLAGS},
        "note": review.note,
        "run": review.run,
        "updated": stamp,
    }


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _folder() -> Path:
    return settings().workspace / "reviews"


def _place(image: str) -> Path:
    if not _DIGEST.match(image):
        raise InputError("That is not the digest of an image; nothing was stored; open the sample again.")
    return _folder() / f"{image}.json"


def _read(path: Path) -> Review | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
        return Review(**{**kept, "flags": tuple(kept["flags"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
