"""Choosing the generator, the captions, how many prompts and seeds, and what that costs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.config import settings
from lab.data.resolve import resolve
from lab.data.store import open_dataset
from lab.generators.card import GeneratorCard
from lab.generators.card_state import ready
from lab.generators.cards import list_cards
from lab.runs.identity_requests import FEW_PROMPTS, PROMPTS, SEEDS, protocol_run
from lab.runs.kinds.providers.sources import first_by_caption
from lab.runs.records import Run
from lab.ui.films import may_be_public
from lab.ui.first_steps import readiness
from lab.ui.frame import missing
from lab.ui.identity_words import badge, card_for
from lab.ui.privacy_runs import datasets, launcher
from lab.ui.prompt_settings import has_steps
from lab.ui.run_panel import duration, expected
from lab.ui.state import PrivacyKey as Key

KIND = "protocol"
COUNTS = (2, 5, 10, FEW_PROMPTS, 50, 100, 200, 500, 1000, PROMPTS)
FEWER = (2, 4, len(SEEDS))


def form() -> None:
    """Draw the choices and the launch."""
    cards = {card.id: card for card in askable()}
    if not cards:
        missing(
            "No generator here takes words.",
            "The protocol prompts a generator with the captions of its training images.",
            "library",
            "See the generators",
        )
        return
    left, right = st.columns(2, gap="large")
    generator = str(
        left.selectbox(
            "Generator", list(cards), format_func=lambda name: cards[name].title, key=Key.GENERATOR,
            persist_state="session",
        )
    )  # fmt: skip
    card = cards[generator]
    with right:
        dataset, captions = _captions(card)
    prompts, seeds, steps = _size(card, captions)
    if not captions:
        st.warning(
            "The training images of this dataset have no captions to prompt with. Choose another dataset."
        )
        return
    _network(dataset)
    if readiness(dataset, "embed"):
        launcher(
            KIND, "Make and measure",
            partial(protocol_run, generator, dataset, prompts, SEEDS[:seeds], steps if has_steps(card) else None),
            cost(generator, min(prompts, captions), seeds, steps),
        )  # fmt: skip


def askable() -> list[GeneratorCard]:
    """Generators that are here and take words, those with an installed training dataset first."""
    known = datasets()
    cards = [
        card
        for card in list_cards()
        if card.conditioning == "text" and ready(card)
        and (not settings().public or may_be_public(card.training_dataset))
    ]  # fmt: skip
    return sorted(cards, key=lambda card: (card.training_dataset not in known, card.over_trained))


def _captions(card: GeneratorCard) -> tuple[str, int]:
    """The dataset whose captions are prompts, and how many distinct ones it has."""
    offered = datasets()
    order = sorted(offered, key=lambda name: name != card.training_dataset)
    dataset = str(
        st.selectbox(
            "Captions of the training images of", order, format_func=lambda name: offered[name].words,
            key=f"{Key.CAPTIONS}.{card.id}", persist_state="session",
            help="Each sample is compared with the image its caption belongs to. Only the dataset that the generator "
            "was trained on can show that it remembers patients.",
        )
    )  # fmt: skip
    if dataset != card.training_dataset:
        st.caption(
            ":material/warning: This generator was not trained on these images as far as its card says: it cannot have "
            "learned these patients, so this run is a control."
        )
    return dataset, distinct(dataset, open_dataset(dataset).card.digest)


def _size(card: GeneratorCard, captions: int) -> tuple[int, int, int]:
    """Prompts, seeds and denoising steps."""
    left, middle, right = st.columns([0.5, 0.25, 0.25], gap="large", vertical_alignment="top")
    prompts = int(
        left.select_slider(
            "Prompts", COUNTS, value=FEW_PROMPTS, key=Key.PROMPTS, persist_state="session",
            format_func=lambda count: f"{count:,}",
            help=f"Distinct captions, drawn as the published protocol draws them. It takes {PROMPTS:,}; a few show on "
            "a processor how the numbers look.",
        )
    )  # fmt: skip
    if 0 < captions < prompts:
        left.caption(f"There are {captions:,} distinct captions: all of them are used.")
    seeds = int(
        middle.segmented_control(
            "Seeds", FEWER, default=len(SEEDS), key=Key.SEEDS, required=True, persist_state="session",
            help=f"The published protocol's ten: {', '.join(map(str, SEEDS))}. Fewer are the first of them, for a "
            "quick look.",
        )
        or len(SEEDS)
    )  # fmt: skip
    steps = card.steps
    if has_steps(card):
        steps = int(
            right.number_input(
                "Denoising steps", 1, 200, card.steps, key=f"{Key.STEPS}.{card.id}", persist_state="session",
                help=f"The generator's own are {card.steps}. Fewer are faster and make worse samples.",
            )
        )  # fmt: skip
    return prompts, seeds, steps


def _network(dataset: str) -> None:
    """The judge of re-identification, before anything is launched."""
    card = card_for(dataset)
    if card is not None:
        badge(card.verification, card.title)
    else:
        st.warning(
            "There is no Re-ID network for this dataset, so the re-identification score will have no number; pixel and "
            "latent distance will. Train one under “A network that knows patients” first, or afterwards: the numbers "
            "follow.",
            icon=":material/person_search:",
        )


@st.cache_data(max_entries=32, show_spinner=False)
def distinct(dataset: str, digest: str) -> int:
    """Distinct captions of the training images; the digest is part of the key."""
    return len(first_by_caption(resolve(f"{dataset}:train")))


def cost(generator: str, prompts: int, seeds: int, steps: int) -> str:
    """How many samples, and how long they take, as a sentence."""
    images = prompts * seeds
    told = expected(KIND, float(images * steps), lambda run: _work(run, generator))
    told = told or expected("generate", float(images * steps), lambda run: _made(run, generator))
    words = f"{prompts:,} prompts with {seeds} seeds are {images:,} samples"
    if told is None:
        return f"{words}. No past run of this generator to estimate from: 2 prompts with 2 seeds will tell."
    factor = PROMPTS * len(SEEDS) / images
    published = "" if factor <= 1 else f" The published size takes about {duration(told[0] * factor)}."
    return (
        f"{words}: about {duration(told[0])}, as past runs took; it goes on when you leave the page. They are measured "
        f"as soon as they are made, or when this page is opened again.{published}"
    )


def _work(run: Run, generator: str) -> float:
    asked = run.spec.settings
    return (
        float((run.result or {}).get("images", 0) * asked["steps"])
        if asked["generator"] == generator
        else 0.0
    )


def _made(run: Run, generator: str) -> float:
    asked = run.spec.settings
    return float(len(asked["seeds"]) * asked["steps"]) if asked["generator"] == generator else 0.0
