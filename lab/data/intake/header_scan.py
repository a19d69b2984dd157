"""Headers of many files, read in processes of their own that may die: one line of JSON a file."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.config import ROOT, settings
from lab.data.intake.header_child import READY
from lab.errors import DatasetError

PROCESSES = 2
START_SECONDS = 60.0
FEW = 64
"""So few files are read by one process: another one costs more to start than it saves."""


def scan_headers(kind: str, paths: Sequence[Path], processes: int | None = None) -> list[dict[str, Any]]:
    """What each file says of itself, in order; {"error": sentence} for one that cannot be read.

    Args:
        kind: "dicom", "nifti" (volumes) or "labels" (volumes of labels, which are inflated and counted).
        paths: files; a file that kills its process or takes longer than `LAB_DECODE_SECONDS` is refused alone.
        processes: how many work side by side; by the number of files and cores by default.

    Raises:
        DatasetError: when no process can be started.
    """
    if not paths:
        return []
    most = settings().decode_processes or min(PROCESSES, os.cpu_count() or 1)
    count = processes or (1 if len(paths) <= FEW else most)
    size = -(-len(paths) // count)
    shares = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(len(shares)) as pool:
        return [answer for share in pool.map(lambda share: _share(kind, share), shares) for answer in share]


def _share(kind: str, paths: Sequence[Path]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    while len(answers) < len(paths):
        rest = paths[len(answers) :]
        started = False
        for answer in _lines(kind, rest):
            if answer == READY:
                started = True
            else:
                answers.append(answer)
        if not started:
            raise DatasetError(
                "The process that reads headers could not be started; nothing was imported; check that the "
                "packages of requirements.txt are installed and that memory is free."
            )
        if len(answers) < len(paths):
            what = "The file could not be read within the limits of time and memory, or its decoder broke"
            answers.append({"error": f"{what}; it was left out; export it again."})
    return answers


def _lines(kind: str, paths: Sequence[Path]) -> Iterator[Any]:
    """Answers of one process, until it is done, dies, or is silent too long."""
    now = settings()
    environment = {**os.environ, "LAB_WORKSPACE": str(now.workspace), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.data.intake.header_child", kind], cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    )  # fmt: skip
    heard = [time.monotonic() + START_SECONDS]
    done = threading.Event()
    threads = [
        threading.Thread(target=_feed, args=(process, paths), daemon=True),
        threading.Thread(target=_watch, args=(process, heard, done, now.decode_seconds), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker; a pipe was asked for
        for line in process.stdout:
            heard[0] = time.monotonic()
            with contextlib.suppress(ValueError):  # a line cut off by its process's death
                yield json.loads(line)
    finally:
        done.set()
        process.kill()
        process.wait()
        for thread in threads:
            thread.join()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def _feed(process: subprocess.Popen[str], paths: Sequence[Path]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the process died; what it did not answer is asked again
        for path in paths:
            process.stdin.write(json.dumps(str(path)) + "\n")  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]


def _watch(process: subprocess.Popen[str], heard: list[float], done: threading.Event, limit: float) -> None:
    while not done.wait(0.2):
        if time.monotonic() - heard[0] > limit:
            process.kill()
            return
