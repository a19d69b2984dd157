"""Whether a generator can be asked now, and if not, what is missing and the way to it. Nothing heavy is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import GeneratorError
from lab.generators import places
from lab.generators.card import GeneratorCard
from lab.generators.loaders import LOADERS

WORDS = {
    "ready": "On this machine",
    "download": "Can be downloaded",
    "gated": "Gated on the hub",
    "credentialed": "Credentialed access",
    "incomplete": "Needs a hub id or a folder",
    "commit": "Needs a commit",
    "folder": "Folder not found",
    "loader": "No loader here",
}


@dataclass(frozen=True)
class CardState:
    """How a generator stands.

    Attributes:
        code: ready, download, gated, credentialed, incomplete, commit, folder or loader.
        word: the same for a badge.
        reason: one sentence with what to do, "" when it is ready.
    """

    code: str
    reason: str = ""

    @property
    def word(self) -> str:
        """For a badge."""
        return WORDS[self.code]


def ready(card: GeneratorCard) -> bool:
    """Whether its weights are on this machine and something here opens them."""
    return state(card).code == "ready"


def state(card: GeneratorCard) -> CardState:
    """How a generator stands, from its card and the folders of this machine; never raises."""
    if card.loader not in LOADERS:
        return CardState(
            "loader",
            f"Nothing here opens a model of the loader {card.loader[:40]!r}; other generators are kept; "
            f"take one of: {', '.join(LOADERS.names())}.",
        )
    open_place = left_open(card)
    if open_place is not None:
        return open_place
    try:
        folder = places.pipeline_folder(card)
        missing = [name for name, place in places.part_folders(card).items() if not place.is_dir()]
        places.lora_file(card)
    except GeneratorError as error:
        return CardState(_code(card), str(error))
    if missing or not folder.is_dir():
        return CardState(
            "folder",
            f"The shared part {missing[0][:40]!r} of {card.title} was not found; nothing can be generated with it; "
            "put its folder back or correct the card.",
        )
    return CardState("ready")


def route(card: GeneratorCard) -> str:
    """In one line, how the weights are had."""
    gate = f" {card.gate[0].upper()}{card.gate[1:]}." if card.gate else ""
    if card.hub_id:
        commit = f" at {card.revision[:12]}" if card.revision else ", its commit to be pinned"
        base = f", over {card.base}" if card.base else ""
        return f"Hub: {card.hub_id}{commit}{base}.{gate}"
    if card.folder:
        return f"{'Comes along' if _ships(card) else 'A folder of this machine'}.{gate}"
    return f"A folder or a hub id of your own.{gate}"


def _ships(card: GeneratorCard) -> bool:
    from lab.config import ASSETS

    return card.root is not None and card.root.is_relative_to(ASSETS)


def _code(card: GeneratorCard) -> str:
    if not places.needed_repositories(card):
        return "folder"
    return "download" if card.access == "open" else card.access


def left_open(card: GeneratorCard) -> CardState | None:
    """What a published card leaves to its user, None when nothing."""
    gate = f" Access: {card.gate}." if card.gate else ""
    if not card.hub_id and not card.folder and not card.base:
        code = "credentialed" if card.access == "credentialed" else "incomplete"
        return CardState(
            code,
            f"The weights of {card.title} have no known place yet; everything else works; name theirs with: "
            f"python -m lab generators fill {card.id} --folder FOLDER, or --hub-id OWNER/NAME --revision "
            f"COMMIT.{gate}",
        )
    unpinned = [one.hub_id for one in places.needed_repositories(card) if not one.revision]
    if unpinned:
        return CardState(
            "commit",
            f"The commit of {unpinned[0]}, which {card.title} is read from, is not pinned yet; everything else works; "
            f"look the newest up and keep it with: python -m lab generators pin {card.id}.{gate}",
        )
    return None
