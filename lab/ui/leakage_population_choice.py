"""Whose samples are counted: a generator, some or all of its sets, and the dataset it saw."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lab.config import settings
from lab.data.merged import MOST, merged_reference
from lab.data.samples import SampleSetCard, list_sample_sets
from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card
from lab.ui.films import may_be_public
from lab.ui.frame import missing, plain
from lab.ui.sets import card_of as dataset_card
from lab.ui.sets import open_set, prompts_by_set, real_choices
from lab.ui.state import LeakageKey as Key

HONEST = "honest new images"


@dataclass(frozen=True)
class Chosen:
    """What is audited.

    Attributes:
        origin: id of the generator; "" for a dataset's own images, which stand in for an honest generator.
        reference: a set, "ID+ID" for several, or "ID:SPLIT".
        sets: ids of the sample sets.
        dataset: whose training images are searched.
        images: how many samples.
    """

    origin: str
    reference: str
    sets: tuple[str, ...]
    dataset: str
    images: int

    @property
    def card(self) -> GeneratorCard | None:
        """The generator's card, None where it is not here any more."""
        return card_of(self.origin)


def card_of(generator: str) -> GeneratorCard | None:
    """The card of that id, or None."""
    try:
        return get_card(generator) if generator else None
    except LabError:
        return None


def choose() -> Chosen | None:
    """Draw the three choices; None while there is nothing to choose."""
    real = {
        one.reference: one for one in real_choices() if not settings().public or may_be_public(one.reference)
    }
    made = _by_origin()
    if not real:
        missing(
            "There is no dataset yet.",
            "Samples are compared with training images.",
            "library",
            "Open the library",
        )
        return None
    if not made:
        _nothing()
    left, middle, right = st.columns([0.35, 0.37, 0.28], vertical_alignment="top")
    origins = [*made, HONEST]
    with left:
        origin = str(
            st.selectbox("Generator", origins, format_func=lambda name: _title(name, made), key=Key.POPULATION_ORIGIN,
                         persist_state="session",
                         help="All its samples are one population. Honest new images are real ones that no generator "
                         "saw: what an audit says of them is what chance says.")
        )  # fmt: skip
    sets = tuple(made.get(origin, ()))
    parent = next((card.parent for card in sets if card.parent in real), "")
    with right:
        offered = sorted(real, key=lambda name: name != parent)
        dataset = str(
            st.selectbox(
                "Against the training images of",
                offered,
                format_func=lambda name: getattr(dataset_card(name), "title", name),
                key=f"{Key.POPULATION_DATASET}.{origin}",
                persist_state="session",
            )
        )
    with middle:
        return _honest(dataset) if origin == HONEST else _of_sets(origin, sets, dataset)


def _nothing() -> None:
    """No samples yet: where they come from, and the ones that come with the program."""
    with st.container(border=True):
        st.markdown(
            "**There are no samples yet.** Write a prompt, or take in the samples of the guided demonstration."
        )
        st.button("Take in the demonstration's samples", icon=":material/download:", on_click=_take_in)


def _take_in() -> None:
    from lab.leakage.demo_set import install

    try:
        install()
    except LabError as error:
        st.toast(plain(str(error)))


def _by_origin() -> dict[str, list[SampleSetCard]]:
    """Sample sets by generator: over-trained ones first, then the one with the newest set."""
    found: dict[str, list[SampleSetCard]] = {}
    for card in (one for one in list_sample_sets() if not settings().public or may_be_public(one.parent)):
        found.setdefault(card.origin, []).append(card)
    return dict(sorted(found.items(), key=lambda pair: not getattr(card_of(pair[0]), "over_trained", False)))


def _title(origin: str, made: dict[str, list[SampleSetCard]]) -> str:
    if origin == HONEST:
        return "No generator: honest new images"
    card = card_of(origin)
    count = sum(one.images for one in made[origin])
    return f"{card.title if card else origin} · {count:,}"


def _of_sets(origin: str, sets: tuple[SampleSetCard, ...], dataset: str) -> Chosen | None:
    words = {card.id: f"{_short(prompts_by_set().get(card.id, card.id))} · {card.images}" for card in sets}
    key = f"{Key.POPULATION_SETS}.{origin}"
    picked = st.multiselect(
        "Sets", list(words), default=list(words)[:MOST], format_func=lambda name: words.get(name, name), key=key,
        max_selections=MOST, persist_state="session", placeholder="Choose at least one set",
        help="Several sets are counted as one; an image that stands in two of them counts once.",
    )  # fmt: skip
    ids = tuple(name for name in picked if name in words)
    if not ids:
        st.caption("Choose at least one set.")
        return None
    reference = merged_reference(ids)
    return Chosen(origin, reference, ids, dataset, len(open_set(reference).ids()))


def _honest(dataset: str) -> Chosen | None:
    """Test images, or held-out ones where there are none."""
    for split in ("test", "held-out"):
        images = open_set(f"{dataset}:{split}")
        if images.ids():
            st.text_input("Sets", f"{len(images.ids()):,} {split} images", disabled=True)
            return Chosen("", f"{dataset}:{split}", (), dataset, len(images.ids()))
    st.caption("This dataset holds no image that was kept from training.")
    return None


def _short(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
