"""Where a demonstration stands: its step and the show of hands, kept in the address so that a reload finds them again.

The address holds a number and a word of digits, nothing that names anybody: `step=4` and `deck=5f3a9c21.0-0-1-2-9...`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from lab.ui.state import QueryKey

STEPS = 9
VOTE_STEP = 3
CANDIDATES, SCALE, MOST = 2, 5, 999
WORDS = (
    "certainly different",
    "probably different",
    "cannot tell",
    "probably the same",
    "certainly the same",
)
_DECK = re.compile(r"([0-9a-f]{8})(?:\.(s|\d{1,3}(?:-\d{1,3}){9}))?\Z")
_NONE = ((0,) * SCALE,) * CANDIDATES


@dataclass(frozen=True)
class Hands:
    """A show of hands.

    Attributes:
        token: eight digits of chance, one for each audience: they decide which candidate hangs on the left.
        rows: how many hands each candidate got at 1, 2, 3, 4 and 5.
        skipped: whether the presenter went on without a vote.
    """

    token: str
    rows: tuple[tuple[int, ...], ...] = _NONE
    skipped: bool = False

    @property
    def given(self) -> bool:
        """Whether each candidate has at least one hand."""
        return all(any(row) for row in self.rows)

    @property
    def over(self) -> bool:
        """Whether the answer may be shown."""
        return self.given or self.skipped

    @property
    def training_first(self) -> bool:
        """Whether the training image is candidate A."""
        return int(self.token, 16) % 2 == 0

    def code(self) -> str:
        """As one word of the address."""
        if self.skipped:
            return f"{self.token}.s"
        counts = "-".join(str(count) for row in self.rows for count in row)
        return f"{self.token}.{counts}" if any(map(any, self.rows)) else self.token


def new_audience() -> Hands:
    """No hands yet, and the candidates in an order of chance."""
    return Hands(secrets.token_hex(4))


def read_hands(text: str) -> Hands | None:
    """The show of hands that a word of an address tells; None for anything else."""
    found = _DECK.match(text)
    if not found:
        return None
    token, told = found.groups()
    if told is None or told == "s":
        return Hands(token, skipped=told == "s")
    counts = [int(part) for part in told.split("-")]
    return Hands(token, tuple(tuple(counts[at : at + SCALE]) for at in range(0, CANDIDATES * SCALE, SCALE)))


def hands() -> Hands:
    """The show of hands of this tab; a new one is put into the address where there is none."""
    known = read_hands(str(st.query_params.get(QueryKey.DECK, "")))
    if known is None:
        known = new_audience()
        st.query_params[QueryKey.DECK] = known.code()
    return known


def step(known: Hands) -> int:
    """The step of this tab: no further than the vote until it has been taken."""
    text = str(st.query_params.get(QueryKey.STEP, ""))
    wanted = int(text) if text.isdecimal() and len(text) < 3 else 1
    return max(1, min(wanted, last_open(known)))


def last_open(known: Hands) -> int:
    """The last step that may be opened."""
    return STEPS if known.over else VOTE_STEP


def go(to: int, known: Hands) -> None:
    """Open a step, as far as the vote allows."""
    st.query_params[QueryKey.STEP] = str(max(1, min(to, last_open(known))))


def move(by: int) -> None:
    """Go some steps on or back, as far as the vote allows."""
    known = hands()
    go(step(known) + by, known)


def keep(known: Hands) -> None:
    """Put a show of hands into the address."""
    st.query_params[QueryKey.DECK] = known.code()


def start_over() -> None:
    """A new audience at the first step."""
    keep(new_audience())
    st.query_params[QueryKey.STEP] = "1"


def counted(known: Hands, told: Any) -> Hands:
    """`known` with the counts a browser sent, where they are counts of this audience; else as it was."""
    if not isinstance(told, dict) or told.get("token") != known.token:
        return known
    rows = told.get("rows")
    if not isinstance(rows, list) or len(rows) != CANDIDATES:
        return known
    if not all(isinstance(row, list) and len(row) == SCALE and all(map(_count, row)) for row in rows):
        return known
    return replace(known, rows=tuple(tuple(map(int, row)) for row in rows), skipped=False)


def _count(value: Any) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and 0 <= value <= MOST
