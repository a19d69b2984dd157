"""Prompt studio: compose, watch, look, review, recall."""

from __future__ import annotations

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.runs.prepare import next_step
from lab.runs.records import Run
from lab.runs.requests import default_dataset
from lab.ui.absent_films import absent_films
from lab.ui.frame import head, missing, sentences
from lab.ui.history import history
from lab.ui.prompt_form import composer
from lab.ui.recall import refill, use_example
from lab.ui.review_panel import review_table
from lab.ui.run_panel import find, stand_in
from lab.ui.sample_grid import asked, details, grid, preview
from lab.ui.state import PromptKey as Key
from lab.ui.state import QueryKey

EXAMPLES = (
    "Large right pleural effusion.",
    "Small left pneumothorax.",
    "Moderate consolidation in the right lower lobe.",
    "Severe cardiomegaly.",
    "No acute finding.",
)


def current_run() -> Run | None:
    """The run this page shows: the session's, else the one in the address."""
    run = find(st.session_state.get(Key.RUN) or st.query_params.get(QueryKey.RUN))
    if run is None or run.kind != "generate":
        return None
    if Key.RUN not in st.session_state:
        refill(run)
    st.session_state[Key.RUN] = run.id
    if st.query_params.get(QueryKey.RUN) != run.id:
        st.query_params[QueryKey.RUN] = run.id
    return run


def first_look(examples: tuple[str, ...]) -> None:
    """What to do on an empty page."""
    with st.container(border=True):
        st.markdown("**Start with an example**, or choose a finding on the left.")
        for number, text in enumerate(examples or EXAMPLES):
            st.button(
                text,
                key=f"prompt.example.{number}",
                on_click=use_example,
                args=(text,),
                type="tertiary",
                icon=":material/format_quote:",
            )


def waiting(cards: list[GeneratorCard]) -> None:
    """Say that samples get no verdict while the training images are still being made ready."""
    chosen = next(card for card in cards if card.id == st.session_state[Key.GENERATOR])
    dataset = default_dataset(chosen)
    if told := absent_films(chosen):
        st.caption(f":material/info: {told}")
    if dataset is not None and next_step(dataset) is not None:
        st.caption(
            ":material/hourglass_empty: The training images are still being made ready; samples made now get no "
            "verdict or map position. Progress is on Home."
        )


head(
    "Prompt",
    "Describe a film and get samples, each compared with every training image it could have been copied from.",
    films=True,
)
with sentences():
    cards = list_cards()
    if not cards:
        missing(
            "No generator is here.",
            "The folder with the embedded generator is missing; restore assets/generators.",
        )
        st.stop()
    left, right = st.columns([0.4, 0.6], gap="large")
    run = current_run()
    with left:
        composer(cards)
        waiting(cards)
    with right:
        if run is None:
            first_look(cards[0].examples)
        else:
            asked(run)
            if run.state == "done":
                picked = grid(run)
            else:
                stand_in(run, preview)
    if run is not None and run.state == "done" and picked is not None:
        details(run, picked)
    past, reviewed = st.tabs(["History", "Reviews"], on_change="rerun", key="prompt.tabs")
    if past.open:
        with past:
            history()
    if reviewed.open:
        with reviewed:
            review_table()
