"""Names inside archives: made safe for every system, their folders kept; None for those that climb out."""

from __future__ import annotations

import re
import unicodedata

from lab.provenance import digest_bytes

_LONGEST = 120
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)


def safe_path(name: str) -> str | None:
    """A relative path of ordinary names, with "/" between them.

    Ordinary names stay as they are, so that a table in the same archive still finds them.

    Args:
        name: as the archive gives it.

    Returns:
        None when it is absolute, names a drive or climbs out; "" for hidden files and those that systems add.
    """
    text = name.replace("\\", "/")
    if text.startswith("/") or _DRIVE.match(text) or "\x00" in text:
        return None
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        return None
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return ""
    return "/".join(map(_safe, parts))


def _safe(part: str) -> str:
    text = unicodedata.normalize("NFC", part)
    text = _FORBIDDEN.sub("_", "".join(c if c.isprintable() else "_" for c in text)).rstrip(". ").lstrip("-")
    if _RESERVED.match(text):
        text = f"_{text}"
    if len(text.encode()) > _LONGEST or not text:
        _, dot, suffix = text.rpartition(".")
        short = text.encode()[: _LONGEST - 30].decode("utf-8", "ignore")
        text = (
            f"{short or 'file'}-{digest_bytes(part.encode('utf-8', 'surrogatepass'))[:12]}{dot}{suffix[:12]}"
        )
    return text
