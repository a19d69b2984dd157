"""The grid tab of the prompt page: two things varied, one word changed, or settings measured."""

from __future__ import annotations

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.ui.grid_form import grid_form
from lab.ui.grid_past import past_grids
from lab.ui.grid_state import GRID, MODE_OF, MODES, SETTINGS, WORD, chosen_generator, current
from lab.ui.grid_view import grid_view
from lab.ui.grid_word_form import word_form
from lab.ui.prompt_address import hold
from lab.ui.state import GridKey as Key
from lab.ui.sweep_form import sweep_form
from lab.ui.sweep_view import past_sweeps, sweep_view

_KINDS = {shown: mode for mode, shown in MODE_OF.items()}
_LEADS = {
    GRID: "Vary two things and hold everything else: the seed stays the same in every cell unless it is an axis.",
    WORD: "Change one word and nothing else: what changes in the picture is what the word does, or does besides.",
    SETTINGS: "Sample with every combination of settings and measure each group alike: a trade-off from one launch.",
}


def grid_tab(cards: list[GeneratorCard]) -> None:
    """Draw the tab for these generators; the composer says what is held fixed."""
    card = chosen_generator(cards)
    st.session_state.setdefault(Key.MODE, GRID)
    which, past = st.columns([0.56, 0.44], vertical_alignment="center")
    mode = str(
        which.segmented_control(
            "Vary", MODES, key=Key.MODE, required=True, persist_state="session", label_visibility="collapsed"
        )
    )
    if mode == SETTINGS:
        with past:
            past_sweeps()
        st.caption(_LEADS[mode])
        chosen = st.session_state.get(Key.SWEEP)
        with st.expander(
            "What varies", expanded=not chosen, key=f"{Key.FORM}.{chosen}", icon=":material/tune:"
        ):
            sweep_form(card, cards)
        sweep_view()
        return
    run = current()
    shown = run if run is not None and run.spec.settings["mode"] == _KINDS[mode] else None
    with past:
        past_grids(shown, _KINDS[mode])
    if shown is None:
        st.caption(_LEADS[mode])
    # Open until there is a grid to look at; a new grid closes it again.
    about = f"{Key.FORM}.{mode}.{shown.id if shown else ''}"
    with st.expander("What varies", expanded=shown is None, key=about, icon=":material/tune:"):
        if mode == GRID:
            grid_form(card, cards)
        else:
            word_form(card)
    if shown is not None:
        hold(shown)
        grid_view(shown)
