"""The first tab of the prompt studio: the composer on the left, what came of it on the right."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.data.store import list_datasets
from lab.generators.card import GeneratorCard
from lab.generators.card_state import state as card_state
from lab.generators.cards import all_cards
from lab.prompts.offer import EXAMPLES, examples_for, kind_of
from lab.runs.prepare import next_step
from lab.runs.records import Run
from lab.runs.requests import default_dataset
from lab.ui.absent_films import absent_films
from lab.ui.attention_map import attention_map
from lab.ui.frame import link, plain
from lab.ui.grid_state import change_one_word
from lab.ui.library_phantoms import phantom_offer
from lab.ui.prompt_address import hold
from lab.ui.prompt_form import composer
from lab.ui.prompt_state import use_text
from lab.ui.quality_gate import gate_table
from lab.ui.run_panel import find, stand_in
from lab.ui.sample_grid import asked, details, grid, preview
from lab.ui.state import PromptKey as Key
from lab.ui.verdicts_later import verdicts_later


def prompt_tab(cards: list[GeneratorCard]) -> None:
    """Draw the tab for the generators that can be asked now."""
    left, right = st.columns([0.4, 0.6], gap="large")
    run, picked = _current_run(), None
    with left:
        _told()
        composer(cards)
        _waiting(cards)
        _others(cards)
    with right, st.container(key="doppel-result"):
        if run is None:
            _first_look(_chosen(cards))
        else:
            asked(run)
            if run.state == "done":
                verdicts_later(run)
                picked = grid(run)
                if picked is not None:
                    _closer(run, picked)
            else:
                stand_in(run, preview)
    if run is not None and picked is not None:
        details(run, picked)
        gate_table(run)


def _closer(run: Run, sample: dict[str, Any]) -> None:
    """Two ways to ask why a sample looks as it does: change one word, and see where each word acts."""
    if not str(run.spec.settings["prompt"]).strip():
        return
    st.button(
        "Change one word",
        key="prompt.change_word",
        on_click=change_one_word,
        args=(run, sample),
        icon=":material/compare_arrows:",
        help="Opens the grid with this sample's recipe: one word differs, the seed and all else stay.",
    )
    attention_map(run, sample)


def _current_run() -> Run | None:
    """The run this tab shows."""
    run = find(st.session_state.get(Key.RUN))
    if run is None or run.kind != "generate":
        return None
    hold(run)
    return run


def _chosen(cards: list[GeneratorCard]) -> GeneratorCard:
    return next((card for card in cards if card.id == st.session_state.get(Key.GENERATOR)), cards[0])


def _told() -> None:
    """What came of a PNG that was dropped on the history."""
    if told := st.session_state.get(Key.DROPPED):
        (st.success if told[0] else st.warning)(plain(told[1]), icon=":material/image_search:")


def _first_look(card: GeneratorCard) -> None:
    """What to do on an empty page."""
    with st.container(border=True, gap="xsmall"):
        if kind_of(card) == "none":
            st.markdown("**This generator takes no words.** Choose on the left what it takes, then Generate.")
            return
        st.markdown("**Start with an example**, or choose on the left.")
        for number, text in enumerate(examples_for(card)[:8] or EXAMPLES):
            st.button(
                plain(text),
                key=f"prompt.example.{number}",
                on_click=use_text,
                args=(text,),
                type="tertiary",
                icon=":material/format_quote:",
            )


def _waiting(cards: list[GeneratorCard]) -> None:
    """Say that verdicts come later while the training images are still to be made ready."""
    card = _chosen(cards)
    dataset = default_dataset(card)
    if told := absent_films(card):
        st.caption(f":material/info: {told}")
        phantom_offer(card.training_dataset, {found.id for found in list_datasets()})
    if dataset is not None and next_step(dataset, upto="calibrate") is not None:
        st.caption(
            ":material/hourglass_empty: The training images are not all read and calibrated yet. Samples come at once, "
            "their verdicts follow by themselves."
        )


def _others(cards: list[GeneratorCard]) -> None:
    """The generators that cannot be asked now, each with the reason, and the way to the Library."""
    here = {card.id for card in cards}
    absent = [card for card in all_cards() if card.id not in here]
    if not absent:
        return
    with st.popover(f"{len(absent)} more generators", type="tertiary", icon=":material/cloud_download:"):
        st.markdown("These are known but cannot be asked yet. The Library brings them in.")
        for card in absent:
            st.markdown(
                f"**{plain(card.title)}** :gray-badge[{card_state(card).word}]",
                help=plain(card_state(card).reason),
            )
        link("library", "Open the Library")
