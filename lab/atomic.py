"""Files that are there whole or not at all: a temporary name in the same folder, fsync, rename."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import StoreError, disk_full
from lab.provenance import canonical_json


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on a clean exit it takes the place of `path`, else it is removed.

    Raises:
        StoreError: when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = "no space is left" if disk_full(error) else "the folder cannot be written"
        raise StoreError(
            f"A result was not saved because {reason}; earlier results are kept; free the disk and resume."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write canonical JSON to `path`, whole or not at all."""
    write_bytes(path, canonical_json(value).encode("utf-8"))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an `.npy` file without objects, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def read_array(path: Path, mmap: bool = True) -> NDArray[Any]:
    """Read an `.npy` file, memory-mapped by default; object arrays are refused."""
    return np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
