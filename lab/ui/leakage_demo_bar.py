"""The bar under the slides: steps, keys, speaker notes, full screen and the show of hands, as one component."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import streamlit as st

from lab.config import ASSETS
from lab.errors import NotComputable
from lab.ui import leakage_demo_state as talk
from lab.ui.leakage_demo_state import Hands
from lab.ui.state import LeakageKey as Key

FOLDER = ASSETS / "leakage" / "demo"


def bar(
    titles: Sequence[str], step: int, known: Hands, notes: str | None, ask: str = "", films: bool = False
) -> None:
    """Draw the bar.

    Args:
        titles: of all steps.
        step: the one that is shown, from 1.
        known: the show of hands so far.
        notes: speaker notes of this step; None while they are hidden.
        ask: the question of the vote, on the step that takes one.
        films: whether the step shows films that can be swiped, blinked and subtracted.
    """
    vote = None
    if ask:
        names = [f"Candidate {letter}" for letter in "AB"]
        vote = {
            "token": known.token, "ask": ask, "names": names, "words": list(talk.WORDS), "skip": not known.over,
            "hands": [list(row) for row in known.rows],
        }  # fmt: skip
    data = {
        "step": step, "steps": len(titles), "titles": list(titles), "open": talk.last_open(known), "notes": notes,
        "vote": vote, "films": films,
    }  # fmt: skip
    _component()(data=data, key=Key.DEMO_ACT, on_act_change=_act, on_hands_change=_raised)


def _raised() -> None:
    """Keep hands as they are raised, so that a reload loses none."""
    known = talk.hands()
    talk.keep(talk.counted(known, _sent().get("hands")))


def _act() -> None:
    """A step, the notes, or going on without a vote: told by the browser."""
    told = _sent().get("act")
    if not isinstance(told, dict):
        return
    known = talk.counted(talk.hands(), told.get("hands"))
    if told.get("skip") is True and not known.given:
        known = replace(known, skipped=True)
        talk.keep(known)
        talk.go(talk.VOTE_STEP + 1, known)
        return
    talk.keep(known)
    to = told.get("go")
    if isinstance(to, (int, float)) and not isinstance(to, bool):
        talk.go(int(to), known)
    if isinstance(told.get("notes"), bool):
        st.session_state[Key.DEMO_NOTES] = told["notes"]


def _sent() -> dict[str, Any]:
    return dict(st.session_state.get(Key.DEMO_ACT) or {})


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    try:
        return (FOLDER / "deck.js").read_text("utf-8"), (FOLDER / "deck.css").read_text("utf-8")
    except OSError as error:
        raise NotComputable(
            "The files of the demonstration are missing; other pages are not affected; restore assets/leakage/demo."
        ) from error


def _component() -> Callable[..., Any]:
    script, style = _sources()
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_deck", html='<div class="deck"></div>', css=style, js=script
    )
    return mount
