"""Content-addressed results: a file's name is the digest of its bytes; it is whole, or it is refused."""

from __future__ import annotations

import re
from pathlib import Path

from lab.atomic import write_bytes
from lab.config import settings
from lab.errors import InputError, NotFoundError, StoreError
from lab.provenance import digest_bytes

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,12}){0,2}\Z")


class Artifacts:
    """The files under one folder, as `ab/<digest><suffix>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str, suffix: str = "") -> Path:
        """Where the artifact of that digest lies or would lie.

        Raises:
            InputError: when `digest` is not 64 hexadecimal digits or `suffix` is not a file suffix.
        """
        if not _DIGEST.match(digest) or not _SUFFIX.match(suffix):
            raise InputError("That is not the digest of an artifact; nothing was read; open the run again.")
        return self.root / digest[:2] / f"{digest}{suffix}"

    def write(self, data: bytes, suffix: str = "") -> str:
        """Store `data`, whole or not at all; returns its digest. Writing twice keeps the first file.

        Raises:
            StoreError: when the disk is full or the folder cannot be written.
        """
        digest = digest_bytes(data)
        path = self.path(digest, suffix)
        if not self.intact(digest, suffix):
            write_bytes(path, data)
        return digest

    def read(self, digest: str, suffix: str | None = None) -> bytes:
        """The bytes of an artifact, checked against its digest.

        Args:
            digest: 64 hexadecimal digits.
            suffix: the suffix it was written with; None takes the one that is there.

        Raises:
            NotFoundError: when it was deleted.
            StoreError: when its bytes are no longer those that were written.
        """
        path = self.locate(digest) if suffix is None else self.path(digest, suffix)
        if path is None or not path.is_file():
            raise NotFoundError(
                "A result file of this run was deleted; its numbers cannot be trusted; run it again."
            )
        data = path.read_bytes()
        if digest_bytes(data) != digest:
            raise StoreError(
                "A result file was changed after the run; it is not shown; run it again to replace it."
            )
        return data

    def locate(self, digest: str) -> Path | None:
        """The file of that digest whatever its suffix; None when there is none."""
        bare = self.path(digest)
        found = sorted(path for path in bare.parent.glob(f"{digest}*") if not path.name.startswith("."))
        return found[0] if found else None

    def intact(self, digest: str, suffix: str | None = None) -> bool:
        """Whether the artifact is there and unchanged."""
        try:
            self.read(digest, suffix)
        except (NotFoundError, StoreError):
            return False
        return True


def _here() -> Artifacts:
    return Artifacts(settings().artifacts)


def write_artifact(data: bytes, suffix: str = "") -> str:
    """Store `data` in this workspace; returns its digest. See `Artifacts.write`."""
    return _here().write(data, suffix)


def read_artifact(digest: str, suffix: str | None = None) -> bytes:
    """The checked bytes of an artifact of this workspace. See `Artifacts.read`."""
    return _here().read(digest, suffix)


def artifact_path(digest: str) -> Path:
    """The file of an artifact of this workspace, unchecked.

    Raises:
        NotFoundError: when it was deleted.
    """
    found = _here().locate(digest)
    if found is None:
        raise NotFoundError(
            "A result file of this run was deleted; its numbers cannot be trusted; run it again."
        )
    return found
