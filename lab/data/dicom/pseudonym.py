"""Ids that cannot be turned back: a keyed hash, whose key lies in the workspace and never leaves it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import unicodedata
from pathlib import Path

from lab.config import settings
from lab.errors import StoreError

KEY_FILE = "pseudonym.key"
KEY_BYTES = 32
_NOBODY = frozenset({
    "", "0", "00", "000", "none", "na", "n/a", "null", "unknown", "anon", "anonymous", "anonymized", "anonymised",
    "deidentified", "de-identified", "removed", "patient", "test",
})  # fmt: skip


def workspace_key() -> bytes:
    """The workspace's secret key, made at the first use: 32 random bytes in a file only its owner can read.

    Raises:
        StoreError: when it cannot be made or read, or others may read it.
    """
    path = settings().workspace / KEY_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreError(
                "The key of the pseudonyms can be read by others; nothing was imported; run chmod 600 on the file "
                f"{KEY_FILE} of the workspace."
            )
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(
            "The key of the pseudonyms cannot be made or read; nothing was imported; check the workspace's permissions."
        ) from error
    if len(key) != KEY_BYTES:
        raise StoreError(
            "The key of the pseudonyms is damaged; nothing was imported; remove it, and new pseudonyms will not "
            "match those of earlier imports."
        )
    return key


def _make(path: Path) -> None:
    """Whole or not at all, and never over another process's key."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not path.exists():
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def pseudonym(kind: str, text: str, key: bytes) -> str:
    """16 hexadecimal digits for an id, equal for equal ids of one kind under one key; "" for an empty one.

    Args:
        kind: what the id names, "patient" or "study": equal text of two kinds gives two pseudonyms.
        text: the id; surrounding blanks and Unicode form do not count.
        key: from `workspace_key`.
    """
    plain = unicodedata.normalize("NFC", text).strip().strip("\0")
    if not plain:
        return ""
    return hmac.new(key, f"{kind}\x1f{plain}".encode(), hashlib.sha256).hexdigest()[:16]


def names_nobody(patient_id: str) -> bool:
    """Whether an id is one that de-identification tools and test systems give to everybody."""
    return patient_id.strip().strip("\0").lower() in _NOBODY
