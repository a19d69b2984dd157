"""Whom to name under a film: the line that licences of the CC BY family ask for."""

from __future__ import annotations

import re

from lab.data.card import DatasetCard

_BY = re.compile(r"\bcc[ -]?by\b", re.IGNORECASE)
MAX_CREDIT = 160


def credit(card: DatasetCard, licence: str = "") -> str:
    """Attribution and licence in one line, such as "Kermany et al., CC BY 4.0"; "" where none is asked for.

    Args:
        card: of the film's dataset; its title stands in where it names nobody.
        licence: of this very film, where the dataset states one for each.

    Returns:
        At most `MAX_CREDIT` characters; the licence is never cut.
    """
    stated = " ".join((licence or card.licence).split())
    if not _BY.search(stated):
        return ""
    named = " ".join((card.attribution or card.title).split()).rstrip(",; ")
    room = max(0, MAX_CREDIT - len(stated) - 2)
    if len(named) > room:
        named = f"{named[: max(0, room - 1)].rstrip()}…"
    return f"{named}, {stated}"
