"""The model card of a small generator, in Markdown, from its recipe and its card."""

from __future__ import annotations

import textwrap

from lab.generators.card import GeneratorCard
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe

_CHANGES = {
    "move": "shifted, zoomed and turned slightly", "gain": "changed in gain", "flip": "mirrored",
    "turn": "turned by quarters",
}  # fmt: skip


def readme(recipe: FamilyRecipe, card: GeneratorCard, about: About, words: str) -> str:
    """The text of README.md.

    Args:
        words: how the family was trained, from its trainer.
    """
    trained = card.measured["training"][recipe.family]
    networks = ", ".join(f"{name} {count:,}" for name, count in trained["parameters"].items())
    changed = ", ".join(_CHANGES[name] for name in recipe.augment) or "not changed"
    never = "" if "flip" in recipe.augment else "; never mirrored"
    kind = "procedural pictures (phantoms) of training patients" if about.phantom else "the training split"
    asked = f" Told: {', '.join(recipe.conditioning)}." if recipe.conditioning else " It takes no condition."
    kinds = f"A small {card.family} generator, {card.size} px, {card.colour}, loader `{card.loader}`."
    return f"""# {card.title} (`{card.id}`)

{_wrapped(f"{kinds}{asked} {card.notes}")}
Licence: {card.licence}. Recipe: `{recipe.id}.yaml`; `python -m lab train {recipe.id}` trains it anew.

## Data
{about.films:,} pictures of {about.patients:,} patients of `{recipe.dataset}`: {kind}, scaled to {card.size} px;
in training {changed}{never}.

## Training
{_wrapped(words)}

Parameters: {networks}. {trained["steps"]:,} steps of {trained["batch"]} pictures in {trained["seconds"]:,} s; the loss
curve stands in `card.json`. Weights are running averages (decay {recipe.average:g}), stored as float16.

## Measured
Four images with the card's defaults: {card.measured["seconds_for_four"]:g} s (median).
`contact_sheet.png`: {_rows(card)}.
"""


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _rows(card: GeneratorCard) -> str:
    if card.structures:
        told = f"a sample for each of {', '.join(card.vendors)}" if card.vendors else "its sample"
        return f"in each row a mask that no training picture has, then {told}, equal seed"
    if card.classes:
        return f"rows of eight seeds, one class a row ({', '.join(card.classes)})"
    named = f", one vendor a row ({', '.join(card.vendors)})" if card.vendors else ""
    return f"rows of eight seeds{named}"
