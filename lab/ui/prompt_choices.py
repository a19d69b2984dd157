"""The fields of the composer as one choice: read from the session, put back into it, cleared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lab.prompts.chest import ChestChoice, Phrase
from lab.prompts.heart import HeartChoice
from lab.prompts.read_back import Choice
from lab.prompts.skin import SkinChoice
from lab.prompts.terms import DEVICES, FINDINGS, places_of, term_of
from lab.ui.state import PromptKey as Key

_CHOICES = (
    Key.FINDINGS, Key.ABSENT, Key.DEVICES, Key.NO_DEVICES, Key.VIEW, Key.AGE, Key.SEX, Key.RACE, Key.FREE, Key.LESION,
    Key.SITE, Key.TONE, Key.SYMMETRY, Key.BORDER, Key.STRUCTURES, Key.ARTEFACTS, Key.SLICE, Key.PHASE, Key.DISEASE,
    Key.EJECTION, Key.CAPTION,
)  # fmt: skip
_LISTS = (Key.FINDINGS, Key.ABSENT, Key.DEVICES, Key.STRUCTURES, Key.ARTEFACTS)
_NUMBERS = (Key.AGE, Key.EJECTION)
# Attribute of a choice and the field that holds it.
_SKIN_FIELDS = {
    "lesion": Key.LESION, "site": Key.SITE, "tone": Key.TONE, "symmetry": Key.SYMMETRY, "border": Key.BORDER,
    "age": Key.AGE, "sex": Key.SEX, "structures": Key.STRUCTURES, "artefacts": Key.ARTEFACTS, "free": Key.FREE,
}  # fmt: skip
_HEART_FIELDS = {
    "slice": Key.SLICE, "phase": Key.PHASE, "disease": Key.DISEASE, "ejection": Key.EJECTION, "free": Key.FREE,
}  # fmt: skip
_CHEST_FIELDS = {
    "absent": Key.ABSENT, "no_devices": Key.NO_DEVICES, "view": Key.VIEW, "age": Key.AGE, "sex": Key.SEX,
    "race": Key.RACE, "free": Key.FREE,
}  # fmt: skip


def clear_choices() -> None:
    """Nothing chosen: the text comes from elsewhere."""
    for key in _CHOICES:
        st.session_state[key] = [] if key in _LISTS else False if key == Key.NO_DEVICES else None
    st.session_state[Key.FREE] = ""
    for term in (*FINDINGS, *DEVICES):
        st.session_state[f"{Key.SIZE}{term.title}"] = st.session_state[f"{Key.WHERE}{term.title}"] = None


def put_choice(choice: Choice) -> None:
    """Fill the fields of a composer with a choice; every other field is cleared."""
    clear_choices()
    state = st.session_state
    if isinstance(choice, str):
        state[Key.CAPTION] = choice
        return
    fields = _CHEST_FIELDS
    if isinstance(choice, ChestChoice):
        for key, phrases in ((Key.FINDINGS, choice.findings), (Key.DEVICES, choice.devices)):
            state[key] = [phrase.title for phrase in phrases]
            for phrase in phrases:
                state[f"{Key.SIZE}{phrase.title}"], state[f"{Key.WHERE}{phrase.title}"] = (
                    phrase.size,
                    phrase.where,
                )
    else:
        fields = _SKIN_FIELDS if isinstance(choice, SkinChoice) else _HEART_FIELDS
    for name, field in fields.items():
        value = getattr(choice, name)
        state[field] = list(value) if isinstance(value, tuple) else value
    if isinstance(choice, HeartChoice) and choice.vendor:
        state[Key.VENDOR] = choice.vendor


def _phrase(title: str) -> Phrase:
    term = term_of(title)
    where = _get(f"{Key.WHERE}{title}")
    return Phrase(
        title,
        _get(f"{Key.SIZE}{title}") if term.grade else None,
        where if where in places_of(term) else None,
    )


def chest_now() -> ChestChoice:
    """What is chosen for a chest radiograph."""
    findings, devices = (tuple(map(_phrase, _value(key))) for key in (Key.FINDINGS, Key.DEVICES))
    return ChestChoice(findings=findings, devices=devices, **_read(_CHEST_FIELDS))


def skin_now() -> SkinChoice:
    """What is chosen for a dermoscopic picture."""
    return SkinChoice(**_read(_SKIN_FIELDS))


def heart_now() -> HeartChoice:
    """What is chosen for a cardiac picture."""
    return HeartChoice(vendor=_get(Key.VENDOR), **_read(_HEART_FIELDS))


def _read(fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: _value(key) for name, key in fields.items()}


def _value(key: str) -> Any:
    """What a field holds, as a choice holds it."""
    value = _get(key)
    if key in _LISTS:
        return tuple(value or ())
    if key in _NUMBERS:
        return None if value is None else int(value)
    if key == Key.FREE:
        return str(value or "")
    return bool(value) if key == Key.NO_DEVICES else value


def _get(key: str) -> Any:
    return st.session_state.get(key)
