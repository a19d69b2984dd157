"""A recipe read back from a PNG that was dropped on the page, with a plain word about what fits and what does not."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.errors import InputError, LabError
from lab.generators.card import GeneratorCard
from lab.generators.card_state import state
from lab.generators.cards import all_cards
from lab.generators.load import model_digest
from lab.generators.request import GenerationRequest
from lab.generators.sample import read_recipe, request_from_recipe
from lab.ui.frame import plain
from lab.ui.recall import put_in
from lab.ui.state import PromptKey as Key

MAX_PNG = 32_000_000


def drop_zone() -> None:
    """The place to drop a PNG, and what was found in the last one."""
    st.file_uploader(
        "Recipe from a PNG",
        type=["png"],
        key=Key.DROP,
        on_change=_dropped,
        max_upload_size=32,
        help="Every sample carries its recipe. Drop its PNG here to put the recipe back into the composer.",
    )
    told = st.session_state.get(Key.DROPPED)
    if told:
        (st.success if told[0] else st.warning)(plain(told[1]))


def _dropped() -> None:
    """Read the file that was just dropped; what comes of it is told beside the place it was dropped on."""
    file = st.session_state.get(Key.DROP)
    if file is None:
        st.session_state[Key.DROPPED] = None
        return
    try:
        request, told = recipe_in(file.getvalue())
    except LabError as error:
        st.session_state[Key.DROPPED] = (False, str(error))
        return
    put_in(request)
    st.session_state[Key.DROPPED] = (
        not told,
        told or "The recipe was put back: Generate makes this image again.",
    )


def recipe_in(png: bytes) -> tuple[GenerationRequest, str]:
    """The request in a PNG, checked against its generator here, and what may make its image another; "" for nothing.

    Raises:
        ImageError: when the bytes are no readable PNG.
        InputError: when it holds no recipe, a recipe that cannot be used, or that of a generator that is not here.
    """
    if len(png) > MAX_PNG:
        raise InputError(
            "This file is larger than 32 MB, so it was not read; choose a PNG that the lab wrote."
        )
    recipe = read_recipe(png)
    if recipe is None:
        raise InputError(
            "This PNG holds no recipe; nothing was changed; "
            "choose one that the lab wrote and that no other program saved anew."
        )
    card = next((one for one in all_cards() if one.id == recipe["generator"]), None)
    if card is None:
        raise InputError(
            f"This recipe is of the generator {str(recipe['generator'])[:64]!r}, which is not here; nothing was "
            "changed; add the generator on the Library page."
        )
    request = _checked(recipe, card)
    return request, _other_weights(recipe, card)


def _checked(recipe: dict[str, Any], card: GeneratorCard) -> GenerationRequest:
    try:
        return request_from_recipe(recipe).checked(card)
    except (LabError, TypeError, ValueError, AttributeError) as error:
        why = (
            str(error).partition(";")[0]
            if isinstance(error, LabError)
            else "A value in it is not of its kind"
        )
        raise InputError(
            f"The recipe in this PNG does not fit its generator ({why}); nothing was changed; write the prompt by hand."
        ) from error


def _other_weights(recipe: dict[str, Any], card: GeneratorCard) -> str:
    stands = state(card)
    if stands.code != "ready":
        raise InputError(f"{card.title} cannot be asked now: {stands.reason}")
    if model_digest(card) != recipe["weights"]:
        return (
            f"The recipe was put back, but {card.title} has other weights here than those that made this image, so the "
            "new one will differ."
        )
    return ""
