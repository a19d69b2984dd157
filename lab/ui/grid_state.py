"""What the grid tab remembers, and the ways into it from the rest of the prompt page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.request import GenerationRequest
from lab.generators.sample import request_from_recipe
from lab.runs.grid_requests import KIND
from lab.runs.records import Run
from lab.ui.recall import prepare, put_in, recalled_from, request_now
from lab.ui.run_panel import find
from lab.ui.state import GridKey as Key
from lab.ui.state import PromptKey

GRID, WORD, SETTINGS = "Two things", "One word", "Each setting, measured"
MODES = (GRID, WORD, SETTINGS)
MODE_OF = {"grid": GRID, "counterfactual": WORD}
TAB = "Grid"


def base_now(card: GeneratorCard) -> GenerationRequest:
    """What the composer holds, with its first seed alone: everything that a grid does not vary.

    Raises:
        InputError: when the composer holds something that the generator does not take, such as no prompt.
    """
    prepare(card)
    asked = request_now(card)
    return replace(asked, seeds=asked.seeds[:1])


def chosen_generator(cards: list[GeneratorCard]) -> GeneratorCard:
    """The card the composer has chosen."""
    wanted = st.session_state.get(PromptKey.GENERATOR)
    return next((card for card in cards if card.id == wanted), cards[0])


def current() -> Run | None:
    """The grid that is shown."""
    run = find(st.session_state.get(Key.RUN))
    return run if run is not None and run.kind == KIND else None


def show(run_id: str) -> None:
    """Show a grid, its first cell picked and taken as the reference."""
    state = st.session_state
    state[Key.RUN], state[Key.PICKED], state[Key.REFERENCE] = run_id, None, 0


def open_grid(run: Run) -> None:
    """Show a past grid on its tab, among those of its kind."""
    show(run.id)
    state = st.session_state
    state[PromptKey.TAB], state[Key.MODE] = TAB, MODE_OF.get(str(run.spec.settings["mode"]), GRID)


def pick(number: int) -> None:
    """Select a cell."""
    st.session_state[Key.PICKED] = number


def take_as_reference(number: int) -> None:
    """Compare every cell with this one."""
    st.session_state[Key.REFERENCE] = number


def recall_cell(request: GenerationRequest) -> None:
    """Put a cell's whole recipe into the composer, and open the composer."""
    run = current()
    put_in(request, whence=recalled_from(run) if run else "Recalled from a grid")


def change_one_word(run: Run, sample: dict[str, Any]) -> None:
    """Take a sample's recipe into the composer and open the grid tab where one word of it is changed."""
    recipe = sample.get("recipe") or {}
    if {"generator", "prompt", "seed", "steps", "guidance", "size"} <= set(recipe):
        put_in(request_from_recipe(recipe), whence=recalled_from(run))
    state = st.session_state
    state[PromptKey.TAB], state[Key.MODE] = TAB, WORD
    for key in (Key.WORD, Key.OTHERS):
        state.pop(key, None)
