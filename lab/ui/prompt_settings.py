"""Settings of the next run: guidance, steps, side, negative prompt, and the generator's own numbers."""

from __future__ import annotations

import streamlit as st

from lab.generators.card import GeneratorCard, Knob
from lab.generators.request import MAX_PROMPT
from lab.ui.state import PromptKey as Key

ONE_PASS = ("gan", "vae", "autoregressive")


def has_steps(card: GeneratorCard) -> bool:
    """Whether a generator works in steps; a GAN or VAE makes an image in one."""
    return card.family.lower() not in ONE_PASS


def has_guidance(card: GeneratorCard) -> bool:
    """Whether there is something to follow more or less strictly."""
    return has_steps(card) and card.conditioning != "none"


def knob_key(knob: Knob) -> str:
    """State key of a generator's own number."""
    return f"{Key.KNOB}{knob.name}"


def defaults(card: GeneratorCard, over: bool = False) -> None:
    """Fill the settings that are missing with the card's own; `over` takes the card's in any case."""
    state = st.session_state
    values: dict[str, object] = {
        Key.GUIDANCE: float(card.guidance),
        Key.STEPS: int(card.steps),
        Key.SIDE: int(card.size),
        Key.NEGATIVE: "",
    }
    values |= {knob_key(knob): _typed(knob, knob.default) for knob in card.knobs}
    for key, value in values.items():
        if over or key not in state:
            state[key] = value
    if state[Key.SIDE] not in card.allowed_sizes:
        state[Key.SIDE] = int(card.size)


def numbers(card: GeneratorCard) -> tuple[tuple[str, float], ...]:
    """The generator's own numbers as set, in the order of their names."""
    state = st.session_state
    return tuple(sorted((knob.name, float(state.get(knob_key(knob), knob.default))) for knob in card.knobs))


def settings_form(card: GeneratorCard) -> None:
    """Draw what this generator can be set to; nothing where there is nothing to set."""
    if not (has_steps(card) or card.knobs or len(card.allowed_sizes) > 1):
        return
    with st.expander("Settings", icon=":material/tune:"):
        if has_guidance(card):
            _guidance()
        if has_steps(card):
            st.number_input(
                "Steps",
                step=1,
                key=Key.STEPS,
                persist_state="session",
                help="Denoising steps. More steps take longer and change little beyond the default.",
            )
        if len(card.allowed_sizes) > 1:
            st.selectbox("Image side in pixels", card.allowed_sizes, key=Key.SIDE, persist_state="session")
        for knob in card.knobs:
            _knob(knob)
        if has_guidance(card) and card.conditioning == "text":
            st.text_input(
                "Negative prompt",
                key=Key.NEGATIVE,
                max_chars=MAX_PROMPT,
                persist_state="session",
                help="Words to move away from. Works with a guidance above 1 only.",
            )


def _guidance() -> None:
    st.slider(
        "Guidance scale",
        0.0,
        20.0,
        step=0.5,
        key=Key.GUIDANCE,
        persist_state="session",
        help="How strictly the request is followed. 1 hardly follows it; high values look harsh and vary less.",
    )


def _is_switch(knob: Knob) -> bool:
    return (knob.low, knob.high, knob.step) == (0, 1, 1)


def _typed(knob: Knob, value: float) -> bool | float:
    return bool(value) if _is_switch(knob) else float(value)


def _knob(knob: Knob) -> None:
    key = knob_key(knob)
    held = float(st.session_state.get(key, knob.default))
    st.session_state[key] = _typed(knob, min(max(held, knob.low), knob.high))
    if _is_switch(knob):
        st.toggle(knob.title, key=key, help=knob.help or None, persist_state="session")
        return
    st.slider(
        knob.title,
        float(knob.low),
        float(knob.high),
        step=float(knob.step),
        format="%g",
        key=key,
        help=knob.help or None,
        persist_state="session",
    )
