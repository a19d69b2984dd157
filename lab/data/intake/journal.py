"""What an import has finished, one line a picture, so that an import that was killed goes on from there.

A line is found again by file, size, time, part, mask and recipe, and only while the stored file is the one it tells of.
No file name stands in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from lab.data.intake.contract import Outcome
from lab.data.sources.contract import PlannedImage
from lab.provenance import digest_bytes, digest_file, digest_json

JOURNAL = "journal.jsonl"


class Journal:
    """The journal of a staging folder. Use it in a `with` block.

    Args:
        staging: the folder.
        recipe: of the preprocessing, as JSON, with its seed: another one finds nothing.
    """

    def __init__(self, staging: Path, recipe: Any) -> None:
        self._staging = staging
        self._recipe = digest_json(recipe)
        self._stream: IO[str] | None = None

    def __enter__(self) -> Journal:
        self._known = dict(_lines(self._staging / JOURNAL))
        self._stream = (self._staging / JOURNAL).open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def key(self, image: PlannedImage) -> str:
        """What a picture is found again by; "" where its file is gone."""
        try:
            facts = [_facts(path) for path in (image.file, image.mask) if path is not None]
        except OSError:
            return ""
        parts = [sorted(part.items()) for part in (image.part, image.mask_part, image.mask_values)]
        told = repr((facts, image.reader, image.mask_reader, parts, self._recipe))
        return digest_bytes(told.encode("utf-8", "surrogatepass"))[:32]

    def finished(self, key: str, number: int) -> Outcome | None:
        """The outcome of an earlier attempt, when all it tells of is there."""
        told = self._known.get(key) if key else None
        if told is None:
            return None
        try:
            outcome = Outcome(number, **told)
            if not outcome.refused:
                image = self._staging / f"images/{outcome.image_id}{outcome.suffix}"
                mask = self._staging / "masks" / outcome.mask
                if digest_file(image) != outcome.digest or (outcome.mask and not mask.stat().st_size):
                    return None
        except (OSError, TypeError):
            return None
        return outcome

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome; a line is with the system at once, where the death of this process does not reach it."""
        if key and self._stream is not None:
            self._stream.write(json.dumps([key, outcome.as_json()]) + "\n")


def _facts(path: Path) -> tuple[str, int, int]:
    found = os.stat(path)  # noqa: PTH116  quicker than Path.stat, and there are many
    return str(path), found.st_size, found.st_mtime_ns


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Whole lines; one that a crash has cut is passed over."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            try:
                key, told = json.loads(line)
                yield str(key), dict(told)
            except (ValueError, TypeError):
                continue
