"""The composer: words, seeds and settings of the next run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.generators.request import MAX_IMAGES
from lab.runs.records import Run
from lab.ui.composer import SIDES, SIZES, findings_of, takes
from lab.ui.frame import plain
from lab.ui.recall import (
    SEEDS,
    prepare,
    seeds_in_words,
    start,
    take_defaults,
    throw_dice,
    write_caption,
    write_prompt,
)
from lab.ui.run_panel import duration, expected
from lab.ui.state import PromptKey as Key

FEW = (
    ":material/info: This generator was trained on these {} captions only. Other words are read, but they mean "
    "nothing to it."
)
COPIES = (
    ":material/content_copy: Over-trained on purpose, on phantoms, to show what a leak looks like: expect near-copies "
    "of these films."
)


def composer(cards: list[Any]) -> None:
    """Draw the composer for one of these generator cards."""
    state = st.session_state
    named = {card.id: card for card in cards}
    if state.get(Key.GENERATOR) not in named:
        state[Key.GENERATOR] = cards[0].id
    prepare(named[state[Key.GENERATOR]])
    st.selectbox(
        "Generator",
        list(named),
        format_func=lambda name: named[name].title,
        key=Key.GENERATOR,
        on_change=take_defaults,
        persist_state="session",
        help="The model that makes the images. Add others on the Library page.",
    )
    card = named[state[Key.GENERATOR]]
    if card.over_trained:
        _captions("Captions of films it copies", card.examples, COPIES)
    elif card.captions:
        _captions("Caption", card.captions, FEW.format(len(card.captions)))
    elif card.modality == "chest radiograph":
        _pills(findings_of(card.vocabulary))
    st.text_area(
        "Prompt",
        key=Key.TEXT,
        height=88,
        placeholder="Large right pleural effusion.",
        persist_state="session",
        help="Words in the style of a report. The three rows above write it for you; you can edit it freely.",
    )
    _numbers()
    _settings()
    st.button(
        "Generate",
        key=Key.SUBMIT,
        type="primary",
        width="stretch",
        on_click=start,
        icon=":material/play_arrow:",
    )
    if state.get(Key.REFUSAL):
        st.error(plain(state[Key.REFUSAL]))
    st.caption(_cost(card.id, int(state[Key.COUNT]), int(state[Key.STEPS])))


def _settings() -> None:
    with st.expander("Settings"):
        st.slider(
            "Guidance scale",
            0.0,
            20.0,
            step=0.5,
            key=Key.GUIDANCE,
            persist_state="session",
            help="How strictly the prompt is followed. 1 hardly follows it; high values look harsh and vary less.",
        )
        st.number_input(
            "Steps",
            step=1,
            key=Key.STEPS,
            persist_state="session",
            help="Denoising steps. More steps take longer and change little beyond the default.",
        )


def _captions(label: str, captions: tuple[str, ...], note: str) -> None:
    """Whole sentences to choose from, and a plain word about why just these."""
    st.pills(label, captions, key=Key.CAPTION, on_change=write_caption, persist_state="session", wrap=True)
    st.caption(note)


def _pills(findings: tuple[str, ...]) -> None:
    state = st.session_state
    if state.get(Key.FINDING) not in findings:
        state[Key.FINDING] = None
    st.pills("Finding", findings, key=Key.FINDING, on_change=write_prompt, persist_state="session", wrap=True)
    side, size = takes(state.get(Key.FINDING))
    left, right = st.columns([0.34, 0.66])
    with left:
        st.pills(
            "Side",
            SIDES,
            key=Key.SIDE,
            on_change=write_prompt,
            disabled=not side,
            persist_state="session",
            help="The patient's side. The patient's right is on the viewer's left.",
        )
    with right:
        st.pills(
            "Size", SIZES, key=Key.SIZE, on_change=write_prompt, disabled=not size, persist_state="session"
        )


def _numbers() -> None:
    state = st.session_state
    count, seed, dice = st.columns([0.27, 0.57, 0.16], vertical_alignment="bottom")
    with count:
        st.number_input(
            "Images",
            step=1,
            key=Key.COUNT,
            persist_state="session",
            help=f"1 to {MAX_IMAGES}. They are made four at a time.",
        )
    with seed:
        st.number_input(
            "Seed",
            min_value=0,
            max_value=SEEDS - 1,
            step=1,
            key=Key.SEED,
            persist_state="session",
            help="The start of the random numbers. Equal prompt, seed and settings give the same image.",
        )
    with dice:
        st.button("", key=Key.DICE, icon=":material/casino:", on_click=throw_dice, help="Draw another seed")
    words, lock = st.columns([0.58, 0.42], vertical_alignment="center")
    with words:
        st.caption(seeds_in_words(int(state[Key.SEED]), max(1, min(MAX_IMAGES, int(state[Key.COUNT])))))
    with lock:
        st.toggle(
            "Lock seed",
            key=Key.LOCK,
            persist_state="session",
            help="Locked: the next run uses this seed again. Open: a new one is drawn after each run.",
        )


def _cost(generator: str, count: int, steps: int) -> str:
    def size(run: Run) -> float:
        past = run.spec.settings
        return float(len(past["seeds"]) * past["steps"]) if past["generator"] == generator else 0.0

    known = expected("generate", max(0, count) * max(0, steps), size)
    return "" if known is None else f"About {duration(known[0])}, as past runs took."
