"""From the choices in a session to a prompt: what was chosen, what was composed, and what a person wrote instead."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card
from lab.prompts import chest, heart, skin
from lab.prompts.chest import ChestChoice, Phrase
from lab.prompts.heart import HeartChoice
from lab.prompts.offer import devices_for, findings_for, kind_of, surprise
from lab.prompts.skin import SkinChoice
from lab.prompts.terms import NORMAL, places_of, term_of
from lab.ui.state import PromptKey as Key

_CHOICES = (
    Key.FINDINGS, Key.ABSENT, Key.DEVICES, Key.NO_DEVICES, Key.VIEW, Key.AGE, Key.SEX, Key.RACE, Key.FREE, Key.LESION,
    Key.SITE, Key.TONE, Key.SYMMETRY, Key.BORDER, Key.STRUCTURES, Key.ARTEFACTS, Key.SLICE, Key.PHASE, Key.DISEASE,
    Key.EJECTION, Key.CAPTION,
)  # fmt: skip
_LISTS = (Key.FINDINGS, Key.ABSENT, Key.DEVICES, Key.STRUCTURES, Key.ARTEFACTS)


def composed(card: GeneratorCard) -> str:
    """The prompt that the choices of this session make for a generator; "" for none."""
    kind = kind_of(card)
    if kind == "captions":
        return str(_get(Key.CAPTION) or "")
    if kind == "chest":
        return chest.compose(_chest(), card.vocabulary)
    if kind == "skin":
        return skin.compose(_skin())
    if kind == "heart":
        return heart.compose(_heart())
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


def use_text(text: str) -> None:
    """Take an example as the prompt; words of one's own that it replaces can be brought back."""
    clear_choices()
    _replace(text)


def surprise_me() -> None:
    """A prompt drawn by chance from what the generator knows."""
    use_text(surprise(_card(), random.Random()))  # noqa: S311  no secret: it is an idea for a prompt


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


def clear_choices() -> None:
    """Nothing chosen: the text comes from elsewhere."""
    for key in _CHOICES:
        st.session_state[key] = [] if key in _LISTS else False if key == Key.NO_DEVICES else None
    st.session_state[Key.FREE] = ""


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
    state = st.session_state
    if is_edited():
        state[Key.KEPT] = state[Key.TEXT]
    state[Key.TEXT] = state[Key.COMPOSED] = text


def _one_kind_of_film() -> None:
    """A film is normal or shows something: what was chosen last holds."""
    chosen = list(_get(Key.FINDINGS) or [])
    if NORMAL.title in chosen and len(chosen) > 1:
        last = chosen[-1] == NORMAL.title
        st.session_state[Key.FINDINGS] = [NORMAL.title] if last else [t for t in chosen if t != NORMAL.title]


def _card() -> GeneratorCard:
    return get_card(str(st.session_state[Key.GENERATOR]))


def _get(key: str) -> Any:
    return st.session_state.get(key)


def _phrase(title: str) -> Phrase:
    term = term_of(title)
    where = _get(f"{Key.WHERE}{title}")
    return Phrase(
        title,
        _get(f"{Key.SIZE}{title}") if term.grade else None,
        where if where in places_of(term) else None,
    )


def _chest() -> ChestChoice:
    findings = tuple(_phrase(title) for title in _get(Key.FINDINGS) or [])
    age = _get(Key.AGE)
    return ChestChoice(
        findings,
        tuple(_phrase(title) for title in _get(Key.DEVICES) or []),
        tuple(_get(Key.ABSENT) or []),
        bool(_get(Key.NO_DEVICES)),
        _get(Key.VIEW),
        None if age is None else int(age),
        _get(Key.SEX),
        _get(Key.RACE),
        str(_get(Key.FREE) or ""),
    )


def _skin() -> SkinChoice:
    age = _get(Key.AGE)
    return SkinChoice(
        _get(Key.LESION),
        _get(Key.SITE),
        _get(Key.TONE),
        _get(Key.SYMMETRY),
        _get(Key.BORDER),
        None if age is None else int(age),
        _get(Key.SEX),
        tuple(_get(Key.STRUCTURES) or ()),
        tuple(_get(Key.ARTEFACTS) or ()),
        str(_get(Key.FREE) or ""),
    )


def _heart() -> HeartChoice:
    ejection = _get(Key.EJECTION)
    return HeartChoice(
        _get(Key.SLICE),
        _get(Key.PHASE),
        _get(Key.DISEASE),
        _get(Key.VENDOR),
        None if ejection is None else int(ejection),
        str(_get(Key.FREE) or ""),
    )
