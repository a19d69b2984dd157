"""The guided demonstration: nine slides for a presenter before an audience, played with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lab.config import settings
from lab.data.store import open_dataset
from lab.leakage.demo_plan import DATASET
from lab.leakage.demo_runs import can_be_shown
from lab.leakage.demo_set import install
from lab.ui import leakage_demo_slides as slides
from lab.ui import leakage_demo_totals as totals
from lab.ui.films import may_be_public
from lab.ui.first_steps import readiness
from lab.ui.frame import NOTICE, missing, sentences
from lab.ui.leakage_demo_bar import FOLDER, bar
from lab.ui.leakage_demo_ready import audits_or_progress, case_or_progress, truth_of_dataset
from lab.ui.leakage_demo_slides import Talk
from lab.ui.leakage_demo_state import VOTE_STEP, Hands, hands, start_over, step
from lab.ui.leakage_demo_words import small, title
from lab.ui.state import LeakageKey as Key

ANSWER_STEP = 4


@dataclass(frozen=True)
class Slide:
    """One step: its heading, what draws it and gives its speaker notes, and what that waits for."""

    title: str
    draw: Callable[[Talk], str]
    waits: Literal["", "case", "audits"] = "audits"


SLIDES = (
    Slide("What it was trained on", slides.trained, waits=""),
    Slide("One prompt, four samples", slides.prompted, waits=""),
    Slide("Is this one of the training patients?", slides.voted, waits="case"),
    Slide("The answer", slides.answered, waits="case"),
    Slide("Is it chance?", slides.by_chance, waits="case"),
    Slide("How often?", totals.how_often),
    Slide("Why?", totals.why),
    Slide("What would help, and its price", totals.what_helps),
    Slide("What was planted, and what was found", totals.revealed),
)


def demo() -> None:
    """Draw the step the address names, and the bar that leads to the others."""
    if not can_be_shown():
        missing(
            "The demonstration is not complete in this installation.",
            "It needs its samples (assets/leakage/demo) and the generators they came from. Restore them, or make the "
            "samples anew: python -m lab leakage demo-set.",
            "library",
            "Library",
        )
        return
    st.html(FOLDER / "slide.css")
    if not readiness(DATASET, upto="calibrate"):
        return
    if settings().public:
        _public()
        if not may_be_public(DATASET):
            return
    known = hands()
    at = step(known)
    with st.container(key=Key.DEMO_DECK):
        # The bar comes first, so that its keys are there before the pictures; the style puts it last.
        place = st.container(key=f"{Key.DEMO_BAR}.vote" if at == VOTE_STEP else Key.DEMO_BAR)
        st.html(f'<div class="slide-head">{title(SLIDES[at - 1].title)}{small(NOTICE)}</div>')
        talk, noted, notes = None, bool(st.session_state.get(Key.DEMO_NOTES)), ""
        with sentences():
            talk = _talk(at, known)
        if not noted:
            _bar(place, at, known, talk, None)
        if talk is not None:
            with sentences():
                notes = SLIDES[at - 1].draw(talk)
        if noted:
            _bar(place, at, known, talk, notes)
        if at == len(SLIDES):
            st.button(
                "Start over with a new audience",
                key=Key.DEMO_AGAIN,
                on_click=start_over,
                icon=":material/replay:",
            )


def _talk(at: int, known: Hands) -> Talk | None:
    """What a slide is drawn from; None while it is being prepared."""
    waits = SLIDES[at - 1].waits
    install()
    truth = truth_of_dataset(open_dataset(DATASET).card.digest)
    found = case_or_progress() if waits == "case" else None
    counted = audits_or_progress(truth) if waits == "audits" else None
    return None if waits and found is None and counted is None else Talk(truth, known, found, counted)


def _bar(place: DeltaGenerator, at: int, known: Hands, talk: Talk | None, notes: str | None) -> None:
    """The bar of a step; a slide that could not be drawn says why, and the way to the others stays open."""
    with place:
        bar(
            [one.title for one in SLIDES],
            at,
            known,
            notes,
            ask="The same patient as the sample?" if at == VOTE_STEP and talk is not None else "",
            films=at == ANSWER_STEP and talk is not None,
        )


def _public() -> None:
    """What public mode changes here."""
    if may_be_public(DATASET):
        st.caption("Public mode: this demonstration shows phantoms alone, whose licence allows it.")
    else:
        st.warning(
            "Public mode: the licence of these films does not allow showing them, so nothing is shown."
        )
