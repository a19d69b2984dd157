"""One file from the hub: it goes on where it broke off, and takes its name only when its digest is right."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.hub import CHUNK, TIMEOUT_S, HubFile, Repository

TELL_S = 0.2
_PARTIAL, _UNSATISFIABLE = 206, 416


def partial_file(target: Path, file: HubFile) -> Path:
    """Where the first bytes of a file wait for the rest: no loader reads a hidden name of this ending."""
    return target.with_name(f".{target.name}.{file.digest[:16]}.incomplete")


def arriving(repository: Repository, file: HubFile, target: Path) -> Iterator[int]:
    """Fetch one file to `target`; yields how many of its bytes are here, a few times a second.

    What an earlier attempt left is read again and asked for no more. A caller that stops listening leaves the
    bytes that are here for the next attempt.

    Raises:
        WeightsError: when the bytes are not those of the commit; they are removed.
        OSError: when the disk is full or cannot be written; the partial file is removed.
    """
    if file.is_at(target):
        return
    partial = partial_file(target, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = _continued(partial, file)
    told = time.monotonic()
    if size < file.size or not partial.exists():
        for piece in _pieces(repository, file, size):
            if piece is None:  # The server began anew.
                digest, size = file.hasher(), 0
                partial.unlink(missing_ok=True)
                continue
            digest.update(piece)
            size += len(piece)
            # Each piece is written as it comes: what stalls or breaks off later loses none of it.
            _append(partial, piece)
            if time.monotonic() - told >= TELL_S:
                told = time.monotonic()
                yield size
            if size > file.size:
                break
    if size != file.size or digest.hexdigest() != file.digest:
        partial.unlink(missing_ok=True)
        raise WeightsError(
            f"The file {file.path[:80]} of {repository.title} differs from the digest of its commit; it was "
            "removed and finished files are kept; download again, and do not use it if this returns."
        )
    if not partial.exists():
        partial.touch()
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(target)


def _continued(partial: Path, file: HubFile) -> tuple[Any, int]:
    """The digest so far, and the bytes it covers."""
    digest, size = file.hasher(), 0
    if partial.is_file() and partial.stat().st_size <= file.size:
        with partial.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    else:
        partial.unlink(missing_ok=True)
    return digest, size


def _append(partial: Path, piece: bytes) -> None:
    try:
        with partial.open("ab") as out:
            out.write(piece)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _pieces(repository: Repository, file: HubFile, start: int) -> Iterator[bytes | None]:
    """The bytes from `start` on as they come; None first when the server sends all of them anew."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    url = hf_hub_url(repository.hub_id, file.path, revision=repository.revision)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    wanted = {**headers, "Range": f"bytes={start}-"} if start else headers
    with get_session().stream("GET", url, headers=wanted, timeout=TIMEOUT_S) as response:
        refused = start > 0 and response.status_code == _UNSATISFIABLE
        if not refused:
            hf_raise_for_status(response)
            if start and response.status_code != _PARTIAL:
                yield None
            yield from response.iter_bytes()
    if refused:
        yield None
        yield from _pieces(repository, file, 0)
