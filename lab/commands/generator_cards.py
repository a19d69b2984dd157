"""Cards by the command line: show, add, fill in, pin, remove. A new generator needs a card and no code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit
from lab.errors import InputError
from lab.generators import places
from lab.generators.card import GeneratorCard
from lab.generators.card_files import yaml_text
from lab.generators.card_state import state
from lab.generators.card_store import add_card, filled, remove_card, save_card
from lab.generators.cards import all_cards, get_card

Id = Annotated[str, typer.Argument(metavar="ID")]


def show(name: Id, as_json: AsJson = False) -> None:
    """Print a card as YAML: save it, change it, and add it under another id."""
    card = get_card(name)
    emit(card.to_json(), as_json, yaml_text(card).splitlines())


def add(
    file: Annotated[Path, typer.Argument(metavar="CARD", help="A card as YAML or JSON.")],
    as_json: AsJson = False,
) -> None:
    """Add a generator by its card; it then works everywhere a generator does."""
    _told(add_card(file), "was added", as_json)


def fill(
    name: Id,
    folder: Annotated[str, typer.Option("--folder", help="A folder of this machine.")] = "",
    hub_id: Annotated[str, typer.Option("--hub-id", help="OWNER/NAME.")] = "",
    revision: Annotated[str, typer.Option("--revision", help="The full commit.")] = "",
    base: Annotated[str, typer.Option("--base", help="Hub id or folder of the base under a LoRA.")] = "",
    base_revision: Annotated[str, typer.Option("--base-revision", help="Its full commit.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say where the weights of a published card lie; kept as a card of your own under the same id."""
    given = {
        "folder": str(Path(folder).expanduser().resolve()) if folder else "",
        "hub_id": hub_id, "revision": revision, "base": base, "base_revision": base_revision,
    }  # fmt: skip
    changes = {field: value for field, value in given.items() if value}
    if not changes:
        raise InputError("Nothing was given to fill in; the card was kept; give --folder or --hub-id.")
    _told(save_card(filled(get_card(name), changes), instead=name), "was filled in", as_json)


def pin(name: Id, as_json: AsJson = False) -> None:
    """Look up the newest commit of each repository that a card leaves open, and keep the card with them."""
    from lab.generators.pinning import newest

    card = get_card(name)
    if all(one.revision for one in places.needed_repositories(card)):
        raise InputError("This card names all its commits already; it was kept; change one with: fill.")
    _told(save_card(filled(card, newest(card)), instead=name), "was pinned", as_json)


def remove(
    name: Id,
    weights: Annotated[bool, typer.Option("--weights", help="What was downloaded, not the card.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take away a card you added, or with --weights what was downloaded for a generator."""
    if weights:
        from lab.generators.repositories import remove_download

        freed = remove_download(get_card(name), all_cards())
        emit({"id": name, "bytes": freed}, as_json, [f"{freed / 1e9:.2f} GB are free again"])
        return
    remove_card(name)
    emit(
        {"id": name, "removed": True}, as_json, [f"the card of {name} was removed; its model folder was kept"]
    )


def _told(card: GeneratorCard, what: str, as_json: bool) -> None:
    stands = state(card)
    emit(
        {"id": card.id, "state": stands.code, "reason": stands.reason},
        as_json,
        [f"{card.id} {what}: {stands.reason or 'ready'}"],
    )


COMMANDS: dict[str, Callable[..., None]] = {
    "show": show,
    "add": add,
    "fill": fill,
    "pin": pin,
    "remove": remove,
}
