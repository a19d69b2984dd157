"""The cards of this installation: the embedded ones and those added to the workspace."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from lab.atomic import write_json
from lab.config import ASSETS, settings
from lab.errors import GeneratorError, NotFoundError
from lab.generators.card import GeneratorCard, read_card
from lab.generators.load import downloaded_folder
from lab.generators.weights import check_no_code

EMBEDDED = ASSETS / "generators"
_CODE_OPTIONS = ("trust_remote_code", "custom_pipeline", "custom_revision")


def workspace_folder() -> Path:
    """Folder of the cards and models that a user or a training run added."""
    return settings().workspace / "generators"


def _card_files() -> list[Path]:
    files: list[Path] = []
    for root in (EMBEDDED, workspace_folder()):
        files += sorted(root.glob("*/card.json")) + sorted(root.glob("*.json"))
    return files


def _read_all() -> tuple[list[GeneratorCard], list[tuple[str, str]]]:
    cards: dict[str, GeneratorCard] = {}
    broken: list[tuple[str, str]] = []
    for file in _card_files():
        name = file.parent.name if file.name == "card.json" else file.name
        try:
            card = read_card(file)
            _check_start(card)
        except GeneratorError as error:
            broken.append((name, str(error)))
            continue
        if card.id in cards:
            broken.append(
                (name, "A generator of this id is already there; this card was left out; give it another id.")
            )
        else:
            cards[card.id] = card
    return list(cards.values()), broken


def _check_start(card: GeneratorCard) -> None:
    """What every card must pass before it is offered: it asks for no code, and what is local is not shipped."""
    if card.local_only and card.root is not None and EMBEDDED in card.root.parents:
        raise GeneratorError(
            "This generator may never be passed on, and it lies among the shipped ones; other generators are kept; "
            "remove it from there."
        )
    asked = sorted(set(card.options) & set(_CODE_OPTIONS))
    if asked:
        raise GeneratorError(
            f"This generator card asks to run code of its own ({asked[0]}), which is never done; "
            "other generators are kept; use a model of a standard class."
        )
    for place in (card.path, downloaded_folder(card), *card.part_folders.values()):
        if place is not None and place.is_dir():
            check_no_code(place)


def list_cards() -> list[GeneratorCard]:
    """All readable cards, an unreadable one never hides the others.

    Those trained on phantoms come first, because their training images are on every machine; those that copy on
    purpose come last, the fewest films first.
    """
    return sorted(
        _read_all()[0], key=lambda card: (card.over_trained, not card.phantom_trained, _numbered(card.id))
    )


def _numbered(name: str) -> list[tuple[int, str]]:
    """A name's parts, so that 48 comes before 192."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def broken_cards() -> list[tuple[str, str]]:
    """Cards that were left out, as (name, reason)."""
    return _read_all()[1]


def get_card(generator: str) -> GeneratorCard:
    """The card of that id.

    Raises:
        NotFoundError: with the ids that exist.
    """
    cards = list_cards()
    for card in cards:
        if card.id == generator:
            return card
    known = ", ".join(card.id for card in cards) or "none yet"
    raise NotFoundError(f"There is no generator of that id; nothing was started; generators here: {known}.")


def autoencoder_card(dataset: str) -> GeneratorCard | None:
    """The generator whose autoencoder plants the round-trip canaries of a dataset.

    The one trained on it, else the first of its modality whose weights are here, else None. Where the dataset's
    modality is not known, any will do.
    """
    here = [card for card in list_cards() if card.path is not None and card.path.is_dir()]
    own = [card for card in here if card.training_dataset == dataset]
    modality = _modality(dataset)
    alike = [card for card in here if modality in ("", "unknown", card.modality)]
    return next(iter(own + alike), None)


def _modality(dataset: str) -> str:
    """As the dataset's card says; "" where it is not here."""
    from lab.data.store import list_datasets

    return next((card.modality for card in list_datasets() if card.id == dataset), "")


def add_card(path: Path) -> GeneratorCard:
    """Copy a card file into the workspace; its folder, if relative, is made absolute.

    Raises:
        GeneratorError: when the card is not valid, its id is taken, or its model folder is not there.
    """
    card = read_card(Path(path))
    _check_start(card)
    if any(card.id == other.id for other in list_cards()):
        raise GeneratorError(
            "A generator of this id is already there; it was kept as it is; give the new card another id."
        )
    if card.path is not None:
        if not card.path.is_dir():
            raise GeneratorError(
                "The model folder of this card was not found; nothing was added; "
                "correct the folder in the card."
            )
        parts = {name: str(folder.resolve()) for name, folder in card.part_folders.items()}
        card = dataclasses.replace(card, folder=str(card.path.resolve()), parts=parts)
    target = workspace_folder() / f"{card.id}.json"
    write_json(target, card.to_json())
    return read_card(target)
