"""What is true of a generator that was made to copy: which films it saw, and which of them it saw repeatedly."""

from __future__ import annotations

import json
from pathlib import Path

from lab.errors import StoreError
from lab.gates.planted import PlantedFilm, read_planted
from lab.generators.training.plant import MEMBERS, PLANTED


def films_of(generator: str) -> tuple[PlantedFilm, ...]:
    """Planted films (copies of 2 or more) and unrepeated ones (copies 1), as listed beside the card.

    Raises:
        NotFoundError: for an unknown generator.
        StoreError: when the list is missing or damaged.
    """
    return read_planted(_folder(generator) / PLANTED)


def members_of(generator: str) -> tuple[str, ...]:
    """Image ids of all films the generator was trained on.

    Raises:
        NotFoundError: for an unknown generator.
        StoreError: when the list is missing or damaged.
    """
    try:
        found = json.loads((_folder(generator) / MEMBERS).read_bytes())
        if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
            raise ValueError("not a list of ids")
    except (OSError, ValueError) as error:
        raise StoreError(
            "The list of films that this generator was trained on cannot be read; nothing was counted; restore "
            "members.json beside its card."
        ) from error
    return tuple(found)


def _folder(generator: str) -> Path:
    from lab.generators.cards import EMBEDDED, get_card

    return get_card(generator).root or EMBEDDED / generator
