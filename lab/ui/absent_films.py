"""What to tell where a generator's training films are not on this machine: samples then get no neighbours."""

from __future__ import annotations

from lab.data.phantom_families import FAMILIES
from lab.data.store import list_datasets
from lab.errors import NotFoundError
from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card


def absent_films(card: GeneratorCard) -> str:
    """How to add the training films of a generator, in Markdown; "" when they are installed or not stated."""
    name = card.training_dataset
    if not name or name in {dataset.id for dataset in list_datasets()}:
        return ""
    if name in FAMILIES:
        return (
            f"{card.title} was trained on phantoms that are not on this machine yet, so its samples cannot be compared "
            "with them. Add the phantom set on the Library page: it is made here, from code."
        )
    source = f" Source: {card.citation}" if card.citation else ""
    return (
        f"The films that {card.title} was trained on are not on this machine, so its samples cannot be compared with "
        f"them. Add them on the Library page under the id `{name}`, or in a shell: "
        f"`python -m lab dataset add FOLDER --id {name} --held-out FOLDER`, the second folder holding films of other "
        f"patients.{source}"
    )


def why_no_neighbours(generator: str) -> str:
    """Why the samples of a generator have no neighbours, and what to do."""
    try:
        told = absent_films(get_card(generator))
    except NotFoundError:
        told = ""
    return told or (
        "Its generator's training dataset was not installed, or not ready, when it was made. "
        "Open it on the Prompt page to have it compared, or generate it again when the dataset is ready."
    )
