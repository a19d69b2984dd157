"""The composers of dermoscopy and of cardiac MRI, for generators that take words."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.prompts import heart, skin
from lab.prompts.terms import SEXES
from lab.ui.prompt_state import rewrite
from lab.ui.state import PromptKey as Key


def skin_composer(card: GeneratorCard) -> None:
    """Lesion, place and person; shape, structures and artefacts, those that the generator knows."""
    _one("Lesion", Key.LESION, tuple(skin.CLASSES))
    left, right = st.columns(2, gap="small")
    with left:
        _list("Place", Key.SITE, skin.known_words(skin.SITES, card.vocabulary), "Any place")
    with right:
        _list("Skin tone", Key.TONE, skin.TONES, "Any tone")
    with st.container(horizontal=True, gap="xsmall"):
        with st.popover("Shape", type="tertiary"):
            _one("Symmetry", Key.SYMMETRY, skin.SYMMETRY)
            _one("Border", Key.BORDER, skin.BORDERS)
        with st.popover("Structures", type="tertiary"):
            _many("Structures", Key.STRUCTURES, skin.known_words(skin.STRUCTURES, card.vocabulary))
        with st.popover("Artefacts", type="tertiary"):
            _many("Artefacts", Key.ARTEFACTS, skin.known_words(skin.ARTEFACTS, card.vocabulary))
        with st.popover("Patient", type="tertiary"):
            _one("Sex", Key.SEX, SEXES)
            _number("Age in years", Key.AGE, 89)
        with st.popover("Words", type="tertiary"):
            _free()


def heart_composer(card: GeneratorCard) -> None:
    """Slice, phase and disease; the vendor where the generator knows several."""
    _one("Slice", Key.SLICE, heart.SLICES)
    _one("Phase", Key.PHASE, tuple(heart.PHASES))
    _one("Disease", Key.DISEASE, tuple(heart.DISEASES))
    with st.container(horizontal=True, gap="xsmall"):
        with st.popover("Ejection fraction", type="tertiary"):
            _number("Ejection fraction in %", Key.EJECTION, 90)
        with st.popover("Words", type="tertiary"):
            _free()


def _one(label: str, key: str, options: Sequence[str]) -> None:
    if st.session_state.get(key) not in options:
        st.session_state[key] = None
    st.pills(label, options, key=key, on_change=rewrite, persist_state="session", wrap=True)


def _many(label: str, key: str, options: Sequence[str]) -> None:
    st.session_state[key] = [one for one in st.session_state.get(key) or [] if one in options]
    st.pills(
        label,
        options,
        selection_mode="multi",
        key=key,
        on_change=rewrite,
        persist_state="session",
        wrap=True,
    )


def _list(label: str, key: str, options: Sequence[str], blank: str) -> None:
    if st.session_state.get(key) not in options:
        st.session_state[key] = None
    st.selectbox(
        label, options, index=None, key=key, on_change=rewrite, placeholder=blank, persist_state="session"
    )


def _number(label: str, key: str, highest: int) -> None:
    st.number_input(
        label,
        min_value=0,
        max_value=highest,
        value=None,
        step=1,
        key=key,
        on_change=rewrite,
        persist_state="session",
    )


def _free() -> None:
    st.text_input(
        "Words of your own",
        key=Key.FREE,
        on_change=rewrite,
        persist_state="session",
        max_chars=500,
        help="Stand at the end of the prompt and stay there when a choice above changes.",
    )
