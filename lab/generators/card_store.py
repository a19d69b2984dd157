"""Adding, changing and removing the cards of a workspace: no card needs code, and none hides another unseen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from lab.atomic import write_bytes
from lab.errors import GeneratorError, NotFoundError
from lab.generators import cards
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.card_files import SUFFIXES, read_card_file, yaml_text
from lab.generators.loaders import LOADERS


def add_card(path: Path) -> GeneratorCard:
    """Copy a YAML or JSON card into the workspace; its folders, if relative, are made absolute.

    Raises:
        GeneratorError: when the card is not valid, its id is taken, or its model folder is not there.
    """
    return save_card(read_card_file(Path(path)))


def save_card(card: GeneratorCard, instead: str = "") -> GeneratorCard:
    """Keep a card in the workspace.

    Args:
        card: relative folders are those of its `root`. The id of a published card fills that one in.
        instead: id of the user's card that it takes the place of; "" for a new one.

    Raises:
        GeneratorError: when nothing here loads it, its id is taken, its model folder is not there, or it asks for
            code.
    """
    card = _placed(dataclasses.replace(card, published=False))
    _check_id(card, instead)
    if card.loader not in LOADERS:
        raise _refused(
            f"nothing here opens the loader {card.loader[:40]!r} (field 'loader'); "
            f"known are {', '.join(LOADERS.names())}"
        )
    target = cards.workspace_folder() / f"{card.id}.yaml"
    kept = card_from_json(card.to_json(), root=target.parent)
    cards.check_start(kept)
    old = card_file(instead) if instead else None
    write_bytes(target, yaml_text(kept).encode("utf-8"))
    if old is not None and old != target:
        old.unlink()
    return cards.get_card(card.id)


def filled(card: GeneratorCard, changes: dict[str, Any]) -> GeneratorCard:
    """A card with some of its fields changed, checked anew.

    Raises:
        GeneratorError: naming the field.
    """
    values = card.to_json() | {"published": False} | changes
    if changes.get("folder"):
        values |= {"hub_id": "", "revision": ""}
    elif changes.get("hub_id"):
        values["folder"] = ""
    return card_from_json(values, root=card.root)


def card_file(generator: str) -> Path | None:
    """The file of a user's card in the workspace; None for one that ships, or that a training run wrote."""
    for suffix in SUFFIXES:
        for file in sorted(cards.workspace_folder().glob(f"*{suffix}")):
            if file.name == f"{generator}{suffix}" or _id_of(file) == generator:
                return file
    return None


def remove_card(generator: str) -> None:
    """Take a user's card away; the model's folder stays, and a published card of that id is as it shipped again.

    Raises:
        NotFoundError: when it is no card that a user added.
    """
    file = card_file(generator)
    if file is None:
        raise NotFoundError(
            "That is no card you added, so it was kept; generators that ship or were trained here stay as they are."
        )
    file.unlink()


def _id_of(file: Path) -> str:
    try:
        return read_card_file(file).id
    except GeneratorError:
        return ""


def _placed(card: GeneratorCard) -> GeneratorCard:
    """The same card with absolute folders, all of them there."""
    changes: dict[str, Any] = {}
    if card.path is not None:
        changes["folder"] = _there(card.path, "folder")
    if card.parts:
        local = {name: _there(place, f"parts: {name}") for name, place in sorted(card.part_folders.items())}
        changes["parts"] = {**card.parts, **local}
    for name in ("base", "lora"):
        value = str(getattr(card, name))
        place = Path(value).expanduser() if value else None
        if place is not None and card.root is not None and not place.is_absolute():
            place = card.root / place
        if place is not None and place.exists():
            changes[name] = str(place.resolve())
    return dataclasses.replace(card, **changes)


def _there(place: Path, field: str) -> str:
    if not place.is_dir():
        raise GeneratorError(
            f"The model folder of this card was not found (field '{field}'); nothing was added; "
            "correct the folder in the card."
        )
    return str(place.resolve())


def _check_id(card: GeneratorCard, instead: str) -> None:
    for other in cards.all_cards():
        own = other.id == instead and card_file(instead) is not None
        if other.id == card.id and not other.published and not own:
            raise GeneratorError(
                "A generator of this id is already there (field 'id'); it was kept as it is; give the new card "
                "another id."
            )


def _refused(reason: str) -> GeneratorError:
    return GeneratorError(
        f"This generator card was not taken because {reason}; other generators are kept; correct the card."
    )
