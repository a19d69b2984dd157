"""What a command prints: progress on stderr, one JSON object or a short text on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.errors import LabError
from lab.runs.client import submit_and_wait
from lab.runs.spec import Progress, RunSpec


class ProgressLine:
    """One line on stderr, rewritten on a terminal, printed at each new stage elsewhere."""

    def __init__(self, every_s: float = 0.2) -> None:
        self._every_s = every_s
        self._last_stage = ""
        self._last_time = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        """Show how far a run is."""
        now = time.monotonic()
        new_stage = progress.stage != self._last_stage
        if not new_stage and (not self._terminal or now - self._last_time < self._every_s):
            return
        self._last_stage, self._last_time = progress.stage, now
        left = f", about {progress.remaining_s:.0f} s left" if progress.remaining_s is not None else ""
        text = f"{progress.stage}: {progress.done} of {progress.total}{left}"
        sys.stderr.write(f"\r\033[K{text}" if self._terminal else text + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """End the line on a terminal."""
        if self._terminal and self._last_stage:
            sys.stderr.write("\r\033[K")


@contextmanager
def ticks(every_s: float = 1.0) -> Iterator[Callable[[str, int, int], None]]:
    """A callback (stage, done, total) that shows a progress line for as long as the block lasts."""
    line = ProgressLine(every_s)
    try:
        yield lambda stage, done, total: line(Progress(stage, done, total))
    finally:
        line.close()


def run_to_end(spec: RunSpec) -> dict[str, Any]:
    """Submit a run, show its progress, and give its result.

    Raises:
        LabError: with the run's own sentence when it failed, was cancelled or was interrupted.
    """
    line = ProgressLine()
    try:
        run = submit_and_wait(spec, line)
    finally:
        line.close()
    if run.state != "done" or run.result is None:
        hint = f"finished batches are kept; continue with: python -m lab runs resume {run.id}"
        raise LabError(run.error or f"The run was {run.state}; {hint}.")
    return {"run": run.id, **run.result}


def emit(value: Mapping[str, Any], as_json: bool, lines: list[str]) -> None:
    """Print one JSON object, or the same for people."""
    if as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines) + "\n")
