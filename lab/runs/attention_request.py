"""A run that makes one stored sample again and records where each word of its prompt acted."""

from __future__ import annotations

from typing import Any

from lab.errors import InputError
from lab.generators.attention_maps import why_no_maps
from lab.generators.cards import get_card
from lab.runs.spec import RunSpec

KIND = "attention"


def attention_run(recipe: dict[str, Any], artifact: str) -> RunSpec:
    """The run for one sample.

    Args:
        recipe: that gives the sample again.
        artifact: digest of its PNG in the store.

    Raises:
        InputError: when the generator has no cross-attention, or reads no prompt.
        NotFoundError: when there is no such generator here.
    """
    card = get_card(str(recipe["generator"]))
    reason = why_no_maps(card)
    if reason or not str(recipe.get("prompt", "")).strip():
        raise InputError(reason or "This sample was made without words; there is nothing to show.")
    # The weights of that day, not today's: the run itself compares them, and a page hashes nothing to draw itself.
    made_by = {"weights": str(recipe["weights"])}
    return RunSpec(KIND, {"recipe": recipe, "image": artifact}, made_by, f"Where words act, {card.id}")


def attention_run_of_png(png: bytes) -> RunSpec:
    """The run for a PNG with its recipe inside, from anywhere; it is kept as an artifact.

    Raises:
        ImageError, InputError: when it is no such PNG, or as `attention_run`.
    """
    from lab.generators.sample import read_recipe
    from lab.runs.artifacts import write_artifact

    recipe = read_recipe(png)
    if recipe is None:
        raise InputError("This PNG holds no recipe; nothing was started; choose one that the lab wrote.")
    return attention_run(recipe, write_artifact(png, ".png"))
