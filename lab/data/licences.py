"""What a licence text lets this program do with an image: show it in public, or research use only."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CLOSED = re.compile(
    r"\b(nc|nd|non-?commercial|research|credentialed|restricted|private|unknown)\b", re.IGNORECASE
)
_OPEN = re.compile(
    r"\b(cc[ -]?by|cc[ -]?0|public domain|pddl|pdm|no restrictions?|mit|apache|bsd|odc-by|procedural)\b",
    re.IGNORECASE,
)


def is_public(licence: str) -> bool:
    """Whether images of this licence may be shown in public, with attribution.

    CC BY, CC BY-SA, CC0 and public domain: yes. Non-commercial, no-derivatives (a window is a derivative),
    credentialed, empty and unknown licences: no.
    """
    return bool(_OPEN.search(licence)) and not _CLOSED.search(licence)


def all_public(licences: Iterable[str]) -> bool:
    """Whether every licence of a set allows showing; an empty set does not."""
    known = set(licences)
    return bool(known) and all(is_public(licence) for licence in known)


def joined(licences: Iterable[str]) -> str:
    """The distinct licences of a set in one line, sorted; "unknown" where none is given."""
    return "; ".join(sorted({licence for licence in licences if licence})) or "unknown"
