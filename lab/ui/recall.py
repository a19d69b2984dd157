"""The recipe in the composer: drawn seeds, recall of a past run, and the request it makes."""

from __future__ import annotations

import secrets
import time
from typing import Any

import streamlit as st

from lab.errors import LabError
from lab.generators.cards import get_card
from lab.generators.request import GenerationRequest
from lab.runs.records import Run
from lab.runs.requests import default_dataset, generate_run
from lab.ui.composer import compose, takes
from lab.ui.run_panel import submit
from lab.ui.state import PromptKey as Key

SEEDS = 2**32
PARTS = ("Everything", "Prompt only", "Seeds only", "Everything but the seeds")
_PAUSE_S = 1.0


def draw_seed() -> int:
    """A seed from the system's own source, 0 to 2^32 - 1."""
    return secrets.randbelow(SEEDS)


def seeds_of(first: int, count: int) -> tuple[int, ...]:
    """One seed an image: consecutive, going round at 2^32."""
    return tuple((first + step) % SEEDS for step in range(count))


def seeds_in_words(first: int, count: int) -> str:
    """The seeds a run will use, as shown before it starts."""
    listed = seeds_of(first, count)
    return f"Seed {listed[0]}" if count == 1 else f"Seeds {listed[0]} to {listed[-1]}"


def prepare(card: Any) -> None:
    """Fill what the composer lacks; draw the next seed once a run has used the last one."""
    state = st.session_state
    for key, value in ((Key.COUNT, 4), (Key.SEED, draw_seed()), (Key.LOCK, False), (Key.TEXT, "")):
        state.setdefault(key, value)
    state.setdefault(Key.GUIDANCE, float(card.guidance))
    state.setdefault(Key.STEPS, int(card.steps))
    if state.get(Key.USED_SEED) == state[Key.SEED] and not state[Key.LOCK]:
        state[Key.SEED] = draw_seed()
        state[Key.USED_SEED] = None


def take_defaults() -> None:
    """Guidance and steps of the generator that was chosen: those of another one suit it by chance only."""
    state = st.session_state
    card = get_card(state[Key.GENERATOR])
    state[Key.GUIDANCE], state[Key.STEPS], state[Key.CAPTION] = float(card.guidance), int(card.steps), None


def write_prompt() -> None:
    """Put the chosen finding, side and size into words; called when one of them changes."""
    state = st.session_state
    finding = state.get(Key.FINDING)
    if finding is None:
        return
    side, size = takes(finding)
    state[Key.TEXT] = compose(
        finding, state.get(Key.SIDE) if side else None, state.get(Key.SIZE) if size else None
    )


def write_caption() -> None:
    """Take the chosen caption as the prompt; called when it changes."""
    if chosen := st.session_state.get(Key.CAPTION):
        st.session_state[Key.TEXT] = chosen


def throw_dice() -> None:
    """Another seed."""
    st.session_state[Key.SEED] = draw_seed()


def use_example(text: str) -> None:
    """Take an example as the prompt."""
    st.session_state[Key.TEXT] = text
    for key in (Key.CAPTION, Key.FINDING, Key.SIDE, Key.SIZE):
        st.session_state[key] = None


def start() -> None:
    """Submit what the composer holds; a second click within a second is the same click."""
    state, now = st.session_state, time.monotonic()
    if now - state.get(Key.SUBMITTED_AT, -_PAUSE_S) < _PAUSE_S:
        return
    state[Key.SUBMITTED_AT] = now
    state[Key.REFUSAL] = None
    try:
        card = get_card(state[Key.GENERATOR])
        request = GenerationRequest(
            generator=card.id,
            prompt=state[Key.TEXT],
            seeds=seeds_of(int(state[Key.SEED]), int(state[Key.COUNT])),
            steps=int(state[Key.STEPS]),
            guidance=float(state[Key.GUIDANCE]),
            size=card.size,
        ).checked(card)
        run = submit(generate_run(request, default_dataset(card)))
    except LabError as error:
        state[Key.REFUSAL] = str(error)
        return
    state[Key.RUN], state[Key.PICKED], state[Key.USED_SEED] = run.id, 0, int(state[Key.SEED])


def recall(run: Run, part: str) -> None:
    """Put a past run's recipe, or a part of it, back into the composer."""
    state, past = st.session_state, run.spec.settings
    if part != "Seeds only":
        state[Key.TEXT] = past["prompt"]
        for key in (Key.CAPTION, Key.FINDING, Key.SIDE, Key.SIZE):
            state[key] = None
    if part in ("Everything", "Everything but the seeds"):
        state[Key.GENERATOR] = past["generator"]
        state[Key.GUIDANCE], state[Key.STEPS] = float(past["guidance"]), int(past["steps"])
        state[Key.COUNT] = len(past["seeds"])
    if part in ("Everything", "Seeds only"):
        state[Key.SEED], state[Key.LOCK], state[Key.USED_SEED] = int(past["seeds"][0]), True, None
        state[Key.COUNT] = len(past["seeds"])
    st.toast(f"Recalled: {part.lower()}")


def refill(run: Run) -> None:
    """Put a run's words and settings into an empty composer, as after a reload; the seed stays a new one."""
    past = run.spec.settings
    if st.session_state.get(Key.TEXT):
        return
    st.session_state[Key.TEXT] = past["prompt"]
    st.session_state[Key.GENERATOR] = past["generator"]
    st.session_state[Key.GUIDANCE], st.session_state[Key.STEPS] = float(past["guidance"]), int(past["steps"])
    st.session_state[Key.COUNT] = len(past["seeds"])


def open_run(run_id: str) -> None:
    """Show a past run's samples."""
    st.session_state[Key.RUN], st.session_state[Key.PICKED] = run_id, 0
