"""The cards of this installation: embedded generators, published ones, and those a user or a training run added."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lab.config import ASSETS, settings
from lab.errors import GeneratorError, NotFoundError
from lab.generators.assembly import is_cxr_bert
from lab.generators.card import GeneratorCard, read_card
from lab.generators.card_files import YAML, read_card_file
from lab.generators.card_state import ready
from lab.generators.load import downloaded_folder
from lab.generators.weights import check_no_code

EMBEDDED = ASSETS / "generators"
PUBLISHED = ASSETS / "model_cards"
_CODE_OPTIONS = ("trust_remote_code", "custom_pipeline", "custom_revision")


def workspace_folder() -> Path:
    """Folder of the cards and models that a user or a training run added."""
    return settings().workspace / "generators"


def _card_files() -> list[Path]:
    files = sorted(EMBEDDED.glob("*/card.json"))
    files += sorted(workspace_folder().glob("*/card.json"))
    for suffix in (".json", *YAML):
        files += sorted(workspace_folder().glob(f"*{suffix}"))
    # The user's own come first: a published card of the same id is the one they filled in.
    return files + sorted(PUBLISHED.glob("*.yaml"))


def _read_all() -> tuple[list[GeneratorCard], list[tuple[str, str]]]:
    cards: dict[str, GeneratorCard] = {}
    broken: list[tuple[str, str]] = []
    for file in _card_files():
        name = file.parent.name if file.name == "card.json" else file.name
        try:
            written = file.stat()
            card = _read(file, written.st_size, written.st_mtime_ns)
            check_start(card)
        except (GeneratorError, OSError) as error:
            told = error if isinstance(error, GeneratorError) else "The card file cannot be read; correct it."
            broken.append((name, str(told)))
            continue
        if card.id not in cards:
            cards[card.id] = card
        elif not card.published:
            broken.append(
                (name, "A generator of this id is already there; this card was left out; give it another id.")
            )
    return list(cards.values()), broken


@lru_cache(maxsize=512)
def _read(file: Path, size: int, written: int) -> GeneratorCard:
    """A card file as it is now: pages list the cards at each drawing."""
    return read_card_file(file) if file.suffix in YAML else read_card(file)


def check_start(card: GeneratorCard) -> None:
    """What every card must pass before it is offered: it asks for no code, and what is local is not shipped.

    Raises:
        GeneratorError: naming what is against it.
    """
    root = card.root or Path()
    if card.local_only and EMBEDDED in root.parents:
        raise GeneratorError(
            "This generator may never be passed on, and it lies among the shipped ones; other generators are kept; "
            "remove it from there."
        )
    if card.published != (root == PUBLISHED):
        raise GeneratorError(
            "Only a card that ships with this program is marked as published; other generators are kept; remove the "
            "field 'published' from this one, or add it to one of assets/model_cards."
        )
    asked = sorted(set(card.options) & set(_CODE_OPTIONS))
    if asked:
        raise GeneratorError(
            f"This generator card asks to run code of its own ({asked[0]}), which is never done; "
            "other generators are kept; use a model of a standard class."
        )
    for place in (card.path, downloaded_folder(card), *card.part_folders.values()):
        # Of CXR-BERT, which brings classes of its own, only plain settings, words and tensors are read.
        if place is not None and place.is_dir() and not is_cxr_bert(place):
            check_no_code(place)


def all_cards() -> list[GeneratorCard]:
    """All readable cards, an unreadable one never hides the others.

    Those trained on phantoms come first, because their training images are on every machine; those that copy on
    purpose come after them, the fewest films first; then what others published.
    """
    return sorted(
        _read_all()[0],
        key=lambda card: (
            card.published,
            card.over_trained,
            card.conditioning != "text",
            not card.phantom_trained,
            _numbered(card.id),
        ),
    )


def list_cards() -> list[GeneratorCard]:
    """The generators of this installation: published models join them once their weights are on this machine."""
    return [card for card in all_cards() if not card.published or ready(card)]


def ready_cards() -> list[GeneratorCard]:
    """Those that can be asked now."""
    return [card for card in all_cards() if ready(card)]


def published_cards() -> list[GeneratorCard]:
    """The cards that ship for other people's models, as they ship: templates for one's own."""
    return [
        _read(file, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(PUBLISHED.glob("*.yaml"))
    ]


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
    cards = all_cards()
    for card in cards:
        if card.id == generator:
            return card
    known = ", ".join(card.id for card in cards if not card.published) or "none yet"
    others = ", ".join(card.id for card in cards if card.published)
    raise NotFoundError(
        f"There is no generator of that id; nothing was started; generators here: {known}"
        f"{'; published ones: ' + others if others else ''}."
    )


def autoencoder_card(dataset: str) -> GeneratorCard | None:
    """The generator whose autoencoder plants the round-trip canaries of a dataset.

    The one trained on it, else the first of its modality whose weights are here, else None. Where the dataset's
    modality is not known, any will do.
    """
    here = [card for card in list_cards() if _is_latent(card)]
    own = [card for card in here if card.training_dataset == dataset]
    modality = _modality(dataset)
    alike = [card for card in here if modality in ("", "unknown", card.modality)]
    return next(iter(own + alike), None)


def _is_latent(card: GeneratorCard) -> bool:
    """Whether a generator that is here has an autoencoder of its own: GANs and those that work on pixels do not."""
    if card.path is None or not card.path.is_dir() or card.loader != "diffusers":
        return False
    return "vae" in card.parts or any((card.path / name).is_dir() for name in ("vae", "vqvae"))


def _modality(dataset: str) -> str:
    """As the dataset's card says; "" where it is not here."""
    from lab.data.store import list_datasets

    return next((card.modality for card in list_datasets() if card.id == dataset), "")
