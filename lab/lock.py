"""One supervisor a workspace: a file lock that the system drops when its holder dies."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import IO

from lab.errors import StoreError
from lab.identity import is_alive, own_name

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

LOCK = "worker.lock"
"""In the workspace: held by its supervisor."""

UNWRITABLE = "The workspace folder cannot be written; nothing was started; choose another with LAB_WORKSPACE."


class FileLock:
    """An exclusive lock on a file.

    Args:
        path: the lock file; its content is the holder's name, for people.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: IO[str] | None = None

    def acquire(self, patience_s: float = 0.0) -> bool:
        """Take the lock within `patience_s`; False when another process holds it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(UNWRITABLE) from error
        until = time.monotonic() + patience_s
        while not self._try():
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        """Give the lock up."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            if fcntl is None:
                self.path.unlink(missing_ok=True)

    def is_free(self) -> bool:
        """Whether nobody holds the lock. A holder that starts must wait out this short look."""
        if not self.path.exists():
            return True
        # A second look, so that another client's short look is not taken for a holder.
        if not self._try(sign=False):
            time.sleep(0.005)
            if not self._try(sign=False):
                return False
        self.release()
        return True

    def _try(self, sign: bool = True) -> bool:
        if fcntl is None:
            return self._try_portable()
        try:
            stream = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreError(UNWRITABLE) from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            return False
        if sign:
            stream.seek(0)
            stream.truncate()
            stream.write(own_name("lock"))
            stream.flush()
        self._stream = stream
        return True

    def _try_portable(self) -> bool:
        # Without flock the file itself is the lock; a dead holder's file is taken away.
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        except FileExistsError:
            holder = self.path.read_text(encoding="utf-8")
            if holder and not is_alive(holder):
                self.path.unlink(missing_ok=True)
            return False
        self._stream = os.fdopen(handle, "w", encoding="utf-8")
        self._stream.write(own_name("lock"))
        self._stream.flush()
        return True
