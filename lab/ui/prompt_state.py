"""From the choices in a session to a prompt: what was chosen, what was composed, and what a person wrote instead."""

from __future__ import annotations

import random
from typing import Any, Literal

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card, ready_cards
from lab.prompts import chest, heart, skin
from lab.prompts.offer import devices_for, findings_for, kind_of, surprise
from lab.prompts.read_back import read_back
from lab.prompts.terms import NORMAL
from lab.ui.prompt_choices import chest_now, clear_choices, heart_now, put_choice, skin_now
from lab.ui.state import PromptKey as Key

Whose = Literal["fields", "origin", "edited", "free"]
EXAMPLE, CHANCE = "Example", "Drawn by chance"


def composed(card: GeneratorCard) -> str:
    """The prompt that the choices of this session make for a generator; "" for none."""
    kind = kind_of(card)
    if kind == "captions":
        return str(_get(Key.CAPTION) or "")
    if kind == "chest":
        return chest.compose(chest_now(), card.vocabulary)
    if kind == "skin":
        return skin.compose(skin_now())
    if kind == "heart":
        return heart.compose(heart_now())
    return ""


def is_edited() -> bool:
    """Whether the box holds words of a person's own, which no choice may overwrite."""
    text = str(_get(Key.TEXT) or "")
    return bool(text.strip()) and text != (_get(Key.COMPOSED) or "")


def rewrite(newest: str | None = None) -> None:
    """Put the choices into words; called when one of them changes. A text edited by hand stays as it is.

    Args:
        newest: the key of the choice that changed.
    """
    if newest == Key.FINDINGS:
        _one_kind_of_film()
    if not is_edited():
        st.session_state[Key.TEXT] = st.session_state[Key.COMPOSED] = composed(_card())


def compose_again() -> None:
    """Put the choices in place of an edited text, which is kept and can be brought back."""
    _replace(composed(_card()))


def bring_back() -> None:
    """The words that the last replacement took away."""
    st.session_state[Key.TEXT], st.session_state[Key.KEPT] = _get(Key.KEPT) or "", ""
    st.session_state[Key.COMPOSED] = ""


def whose_words(card: GeneratorCard) -> Whose:
    """Where the words in the box came from.

    "fields": the fields make them; "origin": they are as they were taken from `Key.ORIGIN`, and no fields make them;
    "edited": the fields or an origin gave others, which a person changed; "free": a person wrote them from nothing.
    """
    text, origin = str(_get(Key.TEXT) or ""), _get(Key.ORIGIN)
    made = composed(card)
    if text == made and not is_edited():
        return "fields"
    if origin and origin[0] == text:
        return "origin"
    return "edited" if origin or made else "free"


def origin() -> str:
    """Where the words last taken from elsewhere came from, in words; "" for nowhere."""
    found = _get(Key.ORIGIN)
    return str(found[1]) if found else ""


def typed() -> None:
    """The box was typed into; once it is empty, what is written next comes from nowhere else."""
    if not str(_get(Key.TEXT) or "").strip():
        st.session_state[Key.ORIGIN] = None


def use_text(text: str, whence: str = EXAMPLE) -> None:
    """Take an example as the prompt; words of one's own that it replaces can be brought back."""
    keep_words(text)
    take_text(text, whence)
    st.session_state[Key.COMPOSED] = text  # nobody's own words: the next choice may replace them


def take_text(text: str, whence: str) -> None:
    """Take a prompt from elsewhere: into the fields where they make exactly these words, else as it is.

    Args:
        text: the prompt.
        whence: where it came from, in words.
    """
    state = st.session_state
    clear_choices()
    choice = read_back(text, _card()) if text else None
    if choice is not None:
        put_choice(choice)
    state[Key.TEXT], state[Key.COMPOSED] = text, "" if choice is None else text
    state[Key.ORIGIN] = (text, whence)


def surprise_me() -> None:
    """A prompt drawn by chance from what the generator knows."""
    use_text(surprise(_card(), random.Random()), CHANCE)  # noqa: S311  no secret: it is an idea for a prompt


def toggle_chips(offered: tuple[str, ...]) -> None:
    """Add the words just switched on to the text, and take those just switched off out of it."""
    text = str(_get(Key.TEXT) or "")
    wanted = set(_get(Key.CHIPS) or ())
    for chip in offered:
        there = chip in text.lower()
        if chip in wanted and not there:
            bare = text.rstrip().removesuffix(".")
            text = f"{bare} {chip}." if bare else f"{chip[:1].upper()}{chip[1:]}."
        elif there and chip not in wanted:
            at = text.lower().index(chip)
            text = " ".join((text[:at] + text[at + len(chip) :]).split()).replace(" .", ".").strip(" ,")
            text = "" if text == "." else text
    st.session_state[Key.TEXT] = text


def fit_choices(card: GeneratorCard) -> None:
    """Drop the choices that another generator has no words for, and say the others in its own phrasing."""
    held = {
        Key.FINDINGS: {term.title for term in findings_for(card)},
        Key.ABSENT: {term.title for term in findings_for(card)},
        Key.DEVICES: {term.title for term in devices_for(card)},
    }
    for key, titles in held.items():
        st.session_state[key] = [title for title in _get(key) or [] if title in titles]
    st.session_state[Key.CAPTION] = None
    if not is_edited() and (words := composed(card)):
        st.session_state[Key.TEXT] = st.session_state[Key.COMPOSED] = words


def _replace(text: str) -> None:
    keep_words(text)
    st.session_state[Key.TEXT] = st.session_state[Key.COMPOSED] = text


def keep_words(text: str) -> None:
    """Keep words of a person's own that others are about to replace."""
    state = st.session_state
    if is_edited() and state[Key.TEXT] != text:
        state[Key.KEPT] = state[Key.TEXT]


def _one_kind_of_film() -> None:
    """A film is normal or shows something: what was chosen last holds."""
    chosen = list(_get(Key.FINDINGS) or [])
    if NORMAL.title in chosen and len(chosen) > 1:
        last = chosen[-1] == NORMAL.title
        st.session_state[Key.FINDINGS] = [NORMAL.title] if last else [t for t in chosen if t != NORMAL.title]


def _card() -> GeneratorCard:
    """The chosen generator; before the composer was ever drawn, the one it will start with."""
    name = _get(Key.GENERATOR)
    return get_card(str(name)) if name else ready_cards()[0]


def _get(key: str) -> Any:
    return st.session_state.get(key)
