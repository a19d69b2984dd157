"""The composer of a chest radiograph: findings with size and place, devices, what is absent, view and patient."""

from __future__ import annotations

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.prompts.offer import chips_for, devices_for, findings_for
from lab.prompts.terms import NORMAL, RACES, SEVERITY, SEXES, SIZES, VIEWS, Term, places_of, term_of
from lab.ui.prompt_state import rewrite, toggle_chips
from lab.ui.state import PromptKey as Key

ABSENT_HELP = "Says that something is not there, such as “no pneumothorax”."
RACE_HELP = (
    "RoentGen-v2 was trained with a line such as “65 year old WHITE male.” in front. "
    "Other generators read it as words."
)


def chest_composer(card: GeneratorCard) -> None:
    """Draw it with the words that the generator knows."""
    findings, devices = findings_for(card), devices_for(card)
    _pills("Findings", Key.FINDINGS, [term.title for term in findings])
    with st.container(gap="xsmall"):
        for title in st.session_state.get(Key.FINDINGS) or []:
            _row(term_of(title))
    with st.container(horizontal=True, gap="xsmall"):
        if devices:
            with st.popover(_counted("Devices", Key.DEVICES), type="tertiary"):
                _devices(card, devices)
        _absent(findings)
        with st.popover(_counted("Patient", Key.VIEW, Key.AGE, Key.SEX, Key.RACE), type="tertiary"):
            _patient(bool(card.vocabulary))
        with st.popover(_counted("Words", Key.FREE), type="tertiary"):
            _more(card)


def _pills(label: str, key: str, options: list[str], help: str | None = None) -> None:
    state = st.session_state
    state[key] = [title for title in state.get(key) or [] if title in options]
    st.pills(
        label,
        options,
        selection_mode="multi",
        key=key,
        on_change=rewrite,
        args=(key,),
        persist_state="session",
        wrap=True,
        help=help,
    )


def _row(term: Term) -> None:
    """Size and place of one chosen finding or device; nothing for one that has neither."""
    places = places_of(term)
    if not term.grade and not places:
        return
    name, size, where = st.columns([0.3, 0.31, 0.39], vertical_alignment="center", gap="xsmall")
    with name:
        st.markdown(f":small[{term.title}]")
    words = SEVERITY if term.grade == "severity" else {one: one for one in SIZES}
    if term.grade:
        with size:
            _choice(f"Size of {term.title.lower()}", f"{Key.SIZE}{term.title}", SIZES, "Any size", words)
    if places:
        with where:
            hint = "The patient's side. The patient's right is on the viewer's left."
            _choice(
                f"Place of {term.title.lower()}", f"{Key.WHERE}{term.title}", places, "Anywhere", help=hint
            )


def _choice(
    label: str,
    key: str,
    options: tuple[str, ...],
    blank: str,
    words: dict[str, str] | None = None,
    help: str | None = None,
) -> None:
    """A list from which one thing or nothing is chosen, without a label of its own."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = None
    st.selectbox(
        label,
        options,
        index=None,
        key=key,
        on_change=rewrite,
        args=(key,),
        placeholder=blank,
        label_visibility="collapsed",
        format_func=lambda one: (words or {}).get(one, one),
        persist_state="session",
        help=help,
    )


def _devices(card: GeneratorCard, devices: tuple[Term, ...]) -> None:
    _pills("Devices", Key.DEVICES, [term.title for term in devices])
    for title in st.session_state.get(Key.DEVICES) or []:
        _row(term_of(title))
    if not card.vocabulary or {"support", "devices"} <= set(card.vocabulary):
        st.toggle(
            "Say that there are none",
            key=Key.NO_DEVICES,
            on_change=rewrite,
            disabled=bool(st.session_state.get(Key.DEVICES)),
            persist_state="session",
        )


def _absent(findings: tuple[Term, ...]) -> None:
    chosen = st.session_state.get(Key.FINDINGS) or []
    denied = [term.title for term in findings if term.absent and term.title not in chosen]
    if denied and NORMAL.title not in chosen:
        with st.popover(_counted("Not there", Key.ABSENT), type="tertiary"):
            _pills("Not there", Key.ABSENT, denied, ABSENT_HELP)


def _patient(closed: bool) -> None:
    st.pills("View", VIEWS, key=Key.VIEW, on_change=rewrite, persist_state="session")
    st.pills("Sex", SEXES, key=Key.SEX, on_change=rewrite, persist_state="session")
    st.number_input(
        "Age in years",
        min_value=0,
        max_value=89,
        value=None,
        step=1,
        key=Key.AGE,
        on_change=rewrite,
        persist_state="session",
        placeholder="Any age",
        help="Said as young, middle-aged or elderly, the words this generator knows." if closed else None,
    )
    if closed:
        st.session_state[Key.RACE] = None
        return
    st.pills("Race", RACES, key=Key.RACE, on_change=rewrite, persist_state="session", help=RACE_HELP)


def _more(card: GeneratorCard) -> None:
    """Words of one's own that stay when the choices change, and chips that go straight into the text."""
    st.text_input(
        "Words of your own",
        key=Key.FREE,
        on_change=rewrite,
        persist_state="session",
        max_chars=500,
        help="Stand at the end of the prompt and stay there when a choice above changes.",
    )
    chips = chips_for(card)
    text = str(st.session_state.get(Key.TEXT) or "").lower()
    st.session_state[Key.CHIPS] = [chip for chip in chips if chip in text]
    st.pills(
        "In the text",
        chips,
        selection_mode="multi",
        key=Key.CHIPS,
        on_change=toggle_chips,
        args=(chips,),
        wrap=True,
        help="Adds these words to the prompt, or takes them out.",
    )


def _counted(label: str, *keys: str) -> str:
    """A label with the number of things chosen behind it."""
    found = [st.session_state.get(key) for key in keys]
    number = sum(len(one) if isinstance(one, list) else one not in (None, "") for one in found)
    return f"{label} · {number}" if number else label
