"""A dataset's folder while it is being written: hidden until it is whole, gone when it never becomes so."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.errors import DatasetError, StoreError


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
def staging_folder(target: Path) -> Iterator[Path]:
    """A hidden folder that becomes `target` on a clean exit and vanishes on any other."""
    staging = target.with_name(f".importing-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        (staging / "images").mkdir(parents=True)
        _sweep(target.parent)
        yield staging
        _flush(staging)
        try:
            staging.rename(target)
        except OSError as error:
            if not target.exists():
                raise
            raise DatasetError(
                "Another import has taken that id meanwhile; that dataset was kept, this one was not; "
                "choose another id."
            ) from error
    except OSError as error:
        reason = "no space is left" if error.errno == 28 else "the workspace cannot be written"
        raise StoreError(
            f"The import stopped because {reason}; nothing was kept of it; free the disk and import again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


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
    """Take away what imports and removals of dead processes have left."""
    import psutil

    for pattern in (".importing-*", ".removed-*"):
        for path in parent.glob(pattern):
            owner = path.name.split("-")[1]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(path, ignore_errors=True)
