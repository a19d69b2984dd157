"""Masks for an axis of a grid: the composer's own, and hearts drawn at random."""

from __future__ import annotations

import base64

import streamlit as st

from lab.errors import InputError
from lab.generators.card import GeneratorCard
from lab.generators.condition import encode_mask
from lab.generators.mask_hearts import drawable, sample_heart
from lab.generators.request import MAX_SEED, GenerationRequest
from lab.runs.grid_axes import MOST_VALUES
from lab.ui.state import GridKey as Key


def mask_values(place: str, card: GeneratorCard, base: GenerationRequest) -> tuple[list[str], list[str]]:
    """Masks in base64 and their labels.

    Raises:
        InputError: when no mask can be offered for this generator.
    """
    own = base.condition.mask
    if not drawable(card.structures):
        if own:
            return [base64.b64encode(own).decode("ascii")], ["composer's mask"]
        raise InputError("Masks of this generator cannot be drawn here; choose one in the composer first.")
    count = int(
        st.number_input(
            "How many masks", 1, MOST_VALUES, 4, key=f"{Key.COUNT}{place}", persist_state="session",
            help="The composer's own mask first, then hearts drawn at random from the seed.",
        )
    )  # fmt: skip
    masks, labels = ([own], ["composer's mask"]) if own else ([], [])
    step = 0
    while len(masks) < count:
        seed = (base.seeds[0] + step) % (MAX_SEED + 1)
        drawn = encode_mask(sample_heart(seed, base.size, card.structures))
        step += 1
        if drawn not in masks:
            masks.append(drawn)
            labels.append(f"heart {seed}")
    return [base64.b64encode(one).decode("ascii") for one in masks], labels
