"""What a generator is asked for besides words: a class, a vendor, a mask; read into a `Condition` and put back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition
from lab.prompts.names import readable, vendor_name
from lab.ui import mask_composer
from lab.ui.prompt_settings import knob_key, numbers
from lab.ui.state import PromptKey as Key


def conditions_form(card: GeneratorCard) -> None:
    """Class pills, the mask, vendor pills: those that the generator takes."""
    if card.classes:
        _pills("Class", Key.CLASS, card.classes, readable, card.conditioning == "class")
    if card.structures:
        mask_composer.mask_composer(card)
    elif card.vendors:
        _pills("Vendor", Key.VENDOR, card.vendors, vendor_name, card.conditioning == "vendor")


def condition_now(card: GeneratorCard) -> Condition:
    """The condition that the form holds, not yet checked."""
    state = st.session_state
    label = str(state.get(Key.CLASS) or "") if card.classes else ""
    vendor = str(state.get(Key.VENDOR) or "") if card.vendors else ""
    mask = mask_composer.condition_of(card).mask if card.structures else b""
    return Condition(label, vendor, mask, numbers(card))


def put_back(card: GeneratorCard, condition: Condition) -> None:
    """Put a past condition into the form; what it does not name is as the card says."""
    state = st.session_state
    state[Key.CLASS] = condition.label or None
    state[Key.VENDOR] = condition.vendor or None
    if card.structures:
        mask_composer.put_back(condition)
    for knob in card.knobs:
        value = condition.number(knob.name, knob.default)
        state[knob_key(knob)] = bool(value) if (knob.low, knob.high, knob.step) == (0, 1, 1) else float(value)


def _pills(
    label: str, key: str, options: tuple[str, ...], name: Callable[[str], str], required: bool
) -> None:
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0] if required else None
    st.pills(
        label,
        options,
        key=key,
        required=required,
        persist_state="session",
        wrap=True,
        format_func=name,
    )
