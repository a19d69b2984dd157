"""One word changed, everything else fixed: the form of a counterfactual."""

from __future__ import annotations

import streamlit as st

from lab.errors import InputError
from lab.generators.card import GeneratorCard
from lab.runs.grid_axes import MOST_VALUES
from lab.runs.grid_requests import counterfactual
from lab.ui.frame import plain
from lab.ui.grid_form import base_line, chips, launch_button, word_box
from lab.ui.grid_words import alternatives, phrases, spoken
from lab.ui.recall import seeds_in_words, seeds_of
from lab.ui.state import GridKey as Key


def word_form(card: GeneratorCard) -> None:
    """Choose the word, what stands in its place, and how many seeds; start."""
    base = base_line(card)
    if base is None:
        return
    if not phrases(base.prompt):
        st.info("The composer's prompt has no word to change; write one there.", icon=":material/edit_note:")
        return
    word, others, seeds = st.columns([0.26, 0.5, 0.24], gap="medium")
    with word:
        phrase = word_box(Key.WORD, "Change", base.prompt)
    with others:
        options = [one for one in alternatives(phrase, card.vocabulary) if one != phrase]
        chosen = chips(
            f"others.{phrase}", "Into", options, options[:1], new=True,
            help="Each gives a column beside the sample as it is. Type others and press Enter.",
        )  # fmt: skip
    with seeds:
        count = int(
            st.number_input(
                "Seeds", 1, MOST_VALUES, 4, key=Key.SEEDS, persist_state="session",
                help="One seed can mislead; several show whether the word does the same each time.",
            )
        )  # fmt: skip
    if not chosen:
        st.caption("Choose at least one word to put in its place.")
        return
    try:
        listed = seeds_of(base.seeds[0], count)
        grid = counterfactual(base, phrase, spoken(chosen), listed, f"{phrase} → {', '.join(chosen)}")
    except InputError as error:
        st.caption(plain(str(error)))
        return
    left, right = st.columns([0.62, 0.38], vertical_alignment="center")
    left.caption(
        f"{seeds_in_words(base.seeds[0], count)}; each pair shares its seed and differs by the word alone."
    )
    with right:
        launch_button(grid, "Change the word")
