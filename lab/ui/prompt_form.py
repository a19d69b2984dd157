"""The composer: what to show, with which seeds and settings."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.request import MAX_IMAGES
from lab.prompts.offer import Kind, examples_for, kind_of
from lab.prompts.tokens import TokenCount
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.prompt_chest import chest_composer
from lab.ui.prompt_conditions import conditions_form
from lab.ui.prompt_lint import TOKENS_HELP, counted, remarks_of
from lab.ui.prompt_other import heart_composer, skin_composer
from lab.ui.prompt_settings import has_steps, settings_form
from lab.ui.prompt_state import (
    Whose,
    bring_back,
    compose_again,
    composed,
    is_edited,
    origin,
    rewrite,
    surprise_me,
    typed,
    use_text,
    whose_words,
)
from lab.ui.quality_gate import gate_form
from lab.ui.recall import SEEDS, listed_seeds, prepare, seeds_now, start, take_defaults, throw_dice
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
WHOSE: dict[Whose, tuple[str, str, str]] = {
    "fields": (
        "Composed", "auto_awesome", "Written from the choices above, and rewritten when they change. Edit it freely.",
    ),
    "origin": ("", "history", "Word for word as it was there. No choices above make these words."),
    "edited": (
        "Edited", "edit",
        "The words are yours. Choices above no longer change them; Compose again puts the choices back.",
    ),
    "free": ("Free text", "edit_note", "The words are yours. Choices above do not change them."),
}  # fmt: skip


def composer(cards: list[GeneratorCard]) -> None:
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
    kind = kind_of(card)
    conditions_form(card)
    if kind != "none":
        _choices(card, kind)
        _words(card, kind)
    _numbers()
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
    steps = int(state[Key.STEPS]) if has_steps(card) else 1
    if cost := _cost(card.id, int(state[Key.COUNT]), steps):
        st.caption(cost)
    settings_form(card)
    gate_form(card)


def _choices(card: GeneratorCard, kind: Kind) -> None:
    if kind == "captions" and card.over_trained:
        _captions("Captions of films it copies", card.examples, COPIES)
    elif kind == "captions":
        _captions("Caption", card.captions, FEW.format(len(card.captions)))
    elif kind == "chest":
        chest_composer(card)
    elif kind == "skin":
        skin_composer(card)
    elif kind == "heart":
        heart_composer(card)


def _words(card: GeneratorCard, kind: Kind) -> None:
    """The box, whose words they are, how many tokens, and what the linter says of them."""
    state = st.session_state
    st.text_area(
        "Prompt",
        key=Key.TEXT,
        on_change=typed,
        height=88,
        placeholder="Large right pleural effusion." if kind == "chest" else "Describe the image.",
        persist_state="session",
        help="Words in the style of a report. The choices above write it for you; you can edit it freely.",
    )
    text = str(state[Key.TEXT])
    tokens = counted(card, text)
    with st.container(gap="xsmall"):
        _state(card, text, tokens)
        remarks_of(card, text, tokens)
        with st.container(horizontal=True, gap="small"):
            _offers(card, kind)


def _state(card: GeneratorCard, text: str, tokens: TokenCount | None) -> None:
    """Whose words the box holds, and how many tokens they are."""
    if not text.strip():
        return
    whose = whose_words(card)
    title, icon, about = WHOSE[whose]
    color: Literal["gray", "violet"] = "violet" if whose in ("edited", "free") else "gray"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(plain(title or origin()), icon=f":material/{icon}:", color=color, help=about)
        if tokens is not None:
            st.caption(tokens.words, help=TOKENS_HELP, width="content")


def _offers(card: GeneratorCard, kind: Kind) -> None:
    """Other ways to a prompt: compose again, bring back, examples, chance."""
    text = str(st.session_state[Key.TEXT])
    if is_edited() and composed(card) not in ("", text):
        _link(
            "Compose again",
            "prompt.again",
            compose_again,
            ":material/refresh:",
            "Puts the choices in its place.",
        )
    if st.session_state.get(Key.KEPT):
        _link(
            "Bring my words back", "prompt.back", bring_back, ":material/undo:", "The text that was replaced."
        )
    if examples := examples_for(card)[:8]:
        with st.popover("Examples", type="tertiary", icon=":material/format_quote:"):
            for number, example in enumerate(examples):
                st.button(
                    plain(example),
                    key=f"prompt.idea.{number}",
                    on_click=use_text,
                    args=(example,),
                    type="tertiary",
                )
    if kind != "free" or card.examples:
        _link("Surprise me", "prompt.surprise", surprise_me, ":material/casino:", "A prompt drawn by chance.")


def _link(label: str, key: str, act: object, icon: str, help: str) -> None:
    st.button(label, key=key, on_click=act, type="tertiary", icon=icon, help=help)  # type: ignore[arg-type]


def _captions(label: str, captions: tuple[str, ...], note: str) -> None:
    """Whole sentences to choose from, and a plain word about why just these."""
    if st.session_state.get(Key.CAPTION) not in captions:
        st.session_state[Key.CAPTION] = None
    st.pills(label, captions, key=Key.CAPTION, on_change=rewrite, persist_state="session", wrap=True)
    st.caption(note)


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
        count_valid = 1 <= int(state[Key.COUNT]) <= MAX_IMAGES
        st.caption(listed_seeds(seeds_now() if count_valid else (int(state[Key.SEED]),)))
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
