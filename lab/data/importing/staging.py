"""A dataset's folder while it is being written: hidden until it is whole, gone when it never becomes so.

The folder of a run outlives the run's process, so that a run that was killed goes on from what is there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from lab.data.intake.journal import JOURNAL
from lab.errors import DatasetError, RunCancelled, StoreError, disk_full
from lab.lock import FileLock

_OF_RUN = ".importing-run-"
_LOCK = "lock"
STALE_AFTER_S = 7 * 86_400.0
KEY_LENGTH = 32


def refuse_taken(target: Path) -> None:
    """Refuse an id that another dataset has, in any spelling of its letters.

    Raises:
        DatasetError: when it is taken.
    """
    taken = [path.name for path in target.parent.glob("[!.]*")] if target.parent.is_dir() else []
    if target.name.lower() in {name.lower() for name in taken}:
        raise DatasetError(
            "There is already a dataset of that id; it was kept as it is; choose another id or remove it."
        )


@contextlib.contextmanager
def staging_folder(target: Path, key: str = "") -> Iterator[Path]:
    """A hidden folder that becomes `target` on a clean exit and vanishes on any other.

    Args:
        target: where the dataset will stand.
        key: digest of a run; its folder is found again by a later attempt, and stays when the run is merely stopped
            (`RunCancelled`, or the death of the process). `discard_run` takes it away.

    Raises:
        StoreError: when the disk is full, or another process is at the same run.
        DatasetError: when another import took the id meanwhile.
    """
    staging = target.with_name(
        f"{_OF_RUN}{key[:KEY_LENGTH]}" if key else f".importing-{os.getpid()}-{secrets.token_hex(4)}"
    )
    lock = FileLock(staging / _LOCK)
    keep = False
    try:
        _sweep(target.parent)
        (staging / "images").mkdir(parents=True, exist_ok=True)
        keep = not lock.acquire()
        if keep:
            raise StoreError(
                "Another process is still at this import; nothing was changed; wait a minute and resume the run."
            )
        yield staging
        for name in (JOURNAL, _LOCK):
            (staging / name).unlink(missing_ok=True)
        _flush(staging)
        _publish(staging, target)
    except (RunCancelled, GeneratorExit):
        keep = bool(key)
        raise
    except OSError as error:
        reason = "no space is left" if disk_full(error) else "the workspace cannot be written"
        raise StoreError(
            f"The import stopped because {reason}; nothing was kept of it; free the disk and import again."
        ) from error
    finally:
        lock.release()
        if not keep:
            shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, target: Path) -> None:
    try:
        staging.rename(target)
    except OSError as error:
        if not target.exists():
            raise
        raise DatasetError(
            "Another import has taken that id meanwhile; that dataset was kept, this one was not; "
            "choose another id."
        ) from error


def discard_run(datasets: Path, key: str) -> None:
    """Take away what a run has staged, unless another process is at it."""
    _discard(datasets / f"{_OF_RUN}{key[:KEY_LENGTH]}")


def discard_all_but(datasets: Path, keys: Collection[str]) -> None:
    """Take away what all runs have staged but those of `keys`."""
    kept = {f"{_OF_RUN}{key[:KEY_LENGTH]}" for key in keys}
    for path in datasets.glob(f"{_OF_RUN}*"):
        if path.name not in kept:
            _discard(path)


def _discard(path: Path) -> None:
    if path.is_dir() and FileLock(path / _LOCK).is_free():
        shutil.rmtree(path, ignore_errors=True)


def _flush(staging: Path) -> None:
    """Bring all files to the disk before the rename makes them visible.

    One sync of everything takes milliseconds where thousands of single ones take many seconds.
    """
    if hasattr(os, "sync"):
        os.sync()
        return
    for path in staging.rglob("*"):
        if path.is_file():
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())


def _sweep(parent: Path) -> None:
    """Take away what imports and removals of dead processes have left, and what runs have left for too long."""
    import psutil

    for pattern in (".importing-*", ".removed-*"):
        for path in parent.glob(pattern):
            owner = path.name.split("-")[1]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(path, ignore_errors=True)
    for path in parent.glob(f"{_OF_RUN}*"):
        with contextlib.suppress(OSError):
            if time.time() - (path / "images").stat().st_mtime > STALE_AFTER_S:
                _discard(path)
