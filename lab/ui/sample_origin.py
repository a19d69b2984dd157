"""What is said of a sample by its generator's card, whether or not the training images are on this machine."""

from __future__ import annotations

from lab.config import settings
from lab.errors import NotFoundError
from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card
from lab.ui.films import may_be_public


def card_of(generator: str) -> GeneratorCard | None:
    """The generator's card; None where it is not here any more."""
    try:
        return get_card(generator)
    except NotFoundError:
        return None


def is_radiograph(generator: str) -> bool:
    """Whether the left of the picture is the patient's right."""
    card = card_of(generator)
    return card is not None and card.modality == "chest radiograph"


def note_of(generator: str) -> str:
    """ "(phantom-trained)" where that generator is, else nothing."""
    card = card_of(generator)
    return "(phantom-trained)" if card is not None and card.phantom_trained else ""


def is_public(generator: str, dataset: str | None) -> bool:
    """Whether samples of that generator may be shown in public: phantoms' copies show nobody.

    Args:
        generator: id of its card.
        dataset: its training images, where they are on this machine.
    """
    return bool(note_of(generator)) or may_be_public(dataset)


def shown_here(generator: str, dataset: str | None) -> bool:
    """Whether samples of that generator may be shown by this server."""
    return not settings().public or is_public(generator, dataset)
