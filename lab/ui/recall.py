"""The recipe in the composer: drawn seeds, the request it makes, and recall of a past run or of a PNG."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import streamlit as st

from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card, ready_cards
from lab.generators.condition import condition_from_json
from lab.generators.contract import MICRO_BATCH
from lab.generators.request import GenerationRequest
from lab.prompts.past import words_of as words_of
from lab.runs.grid_requests import KIND as GRID_KIND
from lab.runs.records import Run
from lab.runs.requests import default_dataset, generate_run
from lab.ui.prompt_conditions import condition_now, put_back
from lab.ui.prompt_settings import defaults, has_guidance, has_steps
from lab.ui.prompt_state import fit_choices, keep_words, take_text
from lab.ui.quality_gate import gate_back, gate_now
from lab.ui.run_panel import submit
from lab.ui.state import PromptKey as Key

SEEDS = 2**32
PARTS = ("Everything", "Prompt only", "Seeds only", "Everything but the seeds")
TABS = ("Prompt", "Grid", "Queue", "History", "Reviews")
_PAUSE_S = 1.0


def draw_seed() -> int:
    """A seed from the system's own source, 0 to 2^32 - 1."""
    return secrets.randbelow(SEEDS)


def seeds_of(first: int, count: int) -> tuple[int, ...]:
    """One seed an image: consecutive, going round at 2^32."""
    return tuple((first + step) % SEEDS for step in range(count))


def seeds_in_words(first: int, count: int) -> str:
    """Consecutive seeds, as shown before a run starts."""
    return listed_seeds(seeds_of(first, count))


def listed_seeds(seeds: Sequence[int]) -> str:
    """Any seeds in words, consecutive ones as a range."""
    if len(seeds) == 1:
        return f"Seed {seeds[0]}"
    if tuple(seeds) == seeds_of(seeds[0], len(seeds)):
        return f"Seeds {seeds[0]} to {seeds[-1]}"
    return f"Seeds {', '.join(map(str, seeds[:4]))}{', …' if len(seeds) > 4 else ''}"


def prepare(card: GeneratorCard) -> None:
    """Fill what the composer lacks; draw the next seed once a run has used the last one."""
    state = st.session_state
    for key, value in ((Key.COUNT, 4), (Key.SEED, draw_seed()), (Key.LOCK, False), (Key.TEXT, "")):
        state.setdefault(key, value)
    defaults(card)
    if state.get(Key.USED_SEED) == state[Key.SEED] and not state[Key.LOCK]:
        state[Key.SEED] = draw_seed()
        state[Key.USED_SEED] = None


def take_defaults() -> None:
    """Settings of the generator that was chosen: those of another one suit it by chance only."""
    card = get_card(st.session_state[Key.GENERATOR])
    defaults(card, over=True)
    fit_choices(card)


def throw_dice() -> None:
    """Another seed."""
    st.session_state[Key.SEED] = draw_seed()


def seeds_now() -> tuple[int, ...]:
    """One seed an image: those of a recalled run as long as its first seed and number stand, else consecutive ones."""
    state = st.session_state
    first, count = int(state[Key.SEED]), int(state[Key.COUNT])
    return tuple(state[Key.SEEDS]) if _seeds_stand() else seeds_of(first, count)


def _seeds_stand() -> bool:
    """Whether the seeds of a recalled run are still those of the composer."""
    state = st.session_state
    recalled = tuple(state.get(Key.SEEDS) or ())
    return len(recalled) == int(state[Key.COUNT]) and recalled[:1] == (int(state[Key.SEED]),)


def request_now(card: GeneratorCard) -> GenerationRequest:
    """What the composer holds, as a checked request; a part that this generator has no use for is left out.

    Raises:
        InputError: one sentence for the first value out of its range.
    """
    state = st.session_state
    text = card.conditioning == "text"
    return GenerationRequest(
        generator=card.id,
        prompt=state[Key.TEXT] if text else "",
        seeds=seeds_now(),
        steps=int(state[Key.STEPS]) if has_steps(card) else card.steps,
        guidance=float(state[Key.GUIDANCE]) if has_guidance(card) else card.guidance,
        size=int(state[Key.SIDE]),
        negative_prompt=str(state.get(Key.NEGATIVE) or "") if text and has_guidance(card) else "",
        condition=condition_now(card),
        micro_batch=int(state.get(Key.MICRO_BATCH) or MICRO_BATCH) if _seeds_stand() else MICRO_BATCH,
    ).checked(card)


def start() -> None:
    """Submit what the composer holds; a second click within a second is the same click."""
    state, now = st.session_state, time.monotonic()
    if now - state.get(Key.SUBMITTED_AT, -_PAUSE_S) < _PAUSE_S:
        return
    state[Key.SUBMITTED_AT] = now
    state[Key.REFUSAL] = None
    try:
        card = get_card(state[Key.GENERATOR])
        run = submit(generate_run(request_now(card), default_dataset(card), gate=gate_now()))
    except LabError as error:
        state[Key.REFUSAL] = str(error)
        return
    state[Key.RUN], state[Key.PICKED], state[Key.USED_SEED] = run.id, 0, int(state[Key.SEED])
    state[f"{Key.VERDICTS}{run.id}"] = True


def recall(run: Run, part: str) -> None:
    """Put a past run's recipe, or a part of it, back into the composer, and open the composer."""
    past = run.spec.settings
    past = past.get("base", past)  # of a grid: what its cells share
    request = GenerationRequest(
        generator=past["generator"],
        prompt=past["prompt"],
        seeds=tuple(past["seeds"]),
        steps=int(past["steps"]),
        guidance=float(past["guidance"]),
        size=int(past["size"]),
        negative_prompt=str(past.get("negative_prompt") or ""),
        condition=condition_from_json(past.get("condition")),
        micro_batch=int(past.get("micro_batch", MICRO_BATCH)),
    )
    put_in(request, part, recalled_from(run))
    if part in (PARTS[0], PARTS[3]):
        gate_back(past.get("gate"))


def recalled_from(run: Run) -> str:
    """Where recalled words come from: the run by its kind, the start of its id, and when it was asked."""
    kind = "grid" if run.kind == GRID_KIND else "run"
    return f"Recalled from {kind} {run.id[:4]}, {time.strftime('%d %b %H:%M', time.localtime(run.created))}"


def put_in(request: GenerationRequest, part: str = PARTS[0], whence: str = "Recalled from a PNG") -> None:
    """Put a request, or a part of it, into the composer, and open the composer.

    Args:
        request: what to put in.
        part: of `PARTS`.
        whence: where the prompt comes from, in words.
    """
    state = st.session_state
    everything = part in ("Everything", "Everything but the seeds")
    card = next((one for one in ready_cards() if one.id == request.generator), None)
    if everything and card is None:
        st.toast("This generator is not on this machine any more, so its recipe was not put back.")
        return
    if part != "Seeds only":
        keep_words(request.prompt)
    if everything and card is not None:
        _take_settings(card, request)
    if part != "Seeds only":
        take_text(request.prompt, whence)
    if part in ("Everything", "Seeds only"):
        state[Key.SEED], state[Key.LOCK], state[Key.USED_SEED] = int(request.seeds[0]), True, None
        state[Key.SEEDS], state[Key.MICRO_BATCH] = list(request.seeds), request.micro_batch
    if part != "Prompt only":
        state[Key.COUNT] = len(request.seeds)
    state[Key.REFUSAL], state[Key.TAB] = None, TABS[0]
    st.toast(f"Recalled: {part.lower()}")


def _take_settings(card: GeneratorCard, request: GenerationRequest) -> None:
    state = st.session_state
    state[Key.GENERATOR] = card.id
    defaults(card, over=True)
    state[Key.GUIDANCE], state[Key.STEPS] = request.guidance, request.steps
    state[Key.SIDE], state[Key.NEGATIVE] = request.size, request.negative_prompt
    put_back(card, request.condition)
    gate_back(None)


def refill(run: Run) -> None:
    """Put a run's words and settings into an empty composer, as after a reload; the seed stays a new one."""
    state, past = st.session_state, run.spec.settings
    if state.get(Key.TEXT) or Key.GENERATOR in state:
        return
    past = past.get("base", past)  # of a grid: what its cells share
    card = next((one for one in ready_cards() if one.id == past["generator"]), None)
    state[Key.COUNT] = len(past["seeds"])
    if card is not None:
        state[Key.GENERATOR] = card.id
        defaults(card, over=True)
        state[Key.GUIDANCE], state[Key.STEPS] = float(past["guidance"]), int(past["steps"])
        state[Key.SIDE], state[Key.NEGATIVE] = int(past["size"]), str(past.get("negative_prompt") or "")
        put_back(card, condition_from_json(past.get("condition")))
        gate_back(past.get("gate"))
    take_text(past["prompt"], recalled_from(run))


def open_run(run_id: str) -> None:
    """Show a past run's samples."""
    state = st.session_state
    state[Key.RUN], state[Key.PICKED], state[Key.TAB] = run_id, 0, TABS[0]
