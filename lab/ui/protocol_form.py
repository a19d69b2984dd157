"""Choosing the generator, the captions, how many prompts and seeds, and what that costs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.config import settings
from lab.data.resolve import resolve
from lab.data.store import open_dataset
from lab.generators.card import GeneratorCard
from lab.generators.card_state import ready
from lab.generators.cards import get_card, list_cards
from lab.runs.identity_requests import FEW_PROMPTS, PROMPTS, SEEDS, protocol_run
from lab.runs.kinds.protocol import seen_by
from lab.runs.kinds.providers.sources import first_by_caption
from lab.ui.films import may_be_public
from lab.ui.first_steps import readiness
from lab.ui.frame import missing, plain
from lab.ui.identity_words import badge, card_for
from lab.ui.privacy_runs import datasets, launcher
from lab.ui.prompt_settings import has_steps
from lab.ui.protocol_cost import KIND, cost, pace, published
from lab.ui.state import PrivacyKey as Key

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
        here = pace(card, steps, judged_with(dataset, open_dataset(dataset).card.digest))
        launcher(
            KIND, "Make and measure",
            partial(protocol_run, generator, dataset, prompts, SEEDS[:seeds], steps if has_steps(card) else None),
            cost(here, min(prompts, captions), seeds),
        )  # fmt: skip
        if (prompts, seeds) != (PROMPTS, len(SEEDS)):
            st.caption(plain(published(here)))


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
    seen, whole, captions = distinct(dataset, open_dataset(dataset).card.digest, card.id)
    if seen < whole:
        st.caption(
            plain(
                f"This generator was trained on {seen:,} of the {whole:,} training images, as the list beside its card "
                "says: their captions are the prompts, for it can have learned no others."
            )
        )
    return dataset, captions


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
def distinct(dataset: str, digest: str, generator: str) -> tuple[int, int, int]:
    """Training images that the generator saw, all of them, and distinct captions of the former.

    The dataset's digest is part of the key.
    """
    train = resolve(f"{dataset}:train")
    seen = seen_by(get_card(generator), train)
    return len(seen.ids()), len(train.ids()), len(first_by_caption(seen))


@st.cache_data(max_entries=32, show_spinner=False)
def judged_with(dataset: str, digest: str) -> int:
    """Training and held-out images, which are measured with the samples; the digest is part of the key."""
    return sum(len(open_dataset(dataset).rows(split)) for split in ("train", "held-out"))
