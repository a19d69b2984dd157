"""From a card to a loaded generator."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from lab.config import settings
from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.contract import Generator
from lab.generators.loaders import LOADERS


class HubModel(Protocol):
    """What a download needs to know of a model: generators' cards and extractors' records both are one."""

    @property
    def id(self) -> str:
        """Its name here."""

    @property
    def title(self) -> str:
        """Its name in sentences."""

    @property
    def hub_id(self) -> str:
        """Its repository on the hub, empty for none."""

    @property
    def revision(self) -> str:
        """The full commit."""

    @property
    def gate(self) -> str:
        """How access is given, empty where it is open."""


def load(card: GeneratorCard, device: str | None = None) -> Generator:
    """Load a generator from this machine; nothing is ever downloaded here.

    Args:
        card: which generator.
        device: "auto", "cpu", "cuda:N" or "mps"; None reads the settings.

    Raises:
        GeneratorError: when its folder is not on this machine.
        WeightsError: when its files may not be opened or do not fit.
    """
    from lab.device import pick

    return LOADERS.get(card.loader)(card, model_folder(card), pick(device))


def model_digest(card: GeneratorCard) -> str:
    """SHA-256 over all weights and settings of a generator, parts that it shares with others among them.

    Raises:
        GeneratorError: when its folder is not on this machine.
    """
    from lab.generators.weights import weights_digest

    return weights_digest(model_folder(card), card.part_folders)


def autoencoder_digest(card: GeneratorCard) -> str:
    """SHA-256 over the autoencoder alone: generators that share one also share what was calibrated with it.

    Raises:
        GeneratorError: when the generator's folder is not on this machine.
    """
    from lab.generators.weights import weights_digest

    folder = model_folder(card)
    own = card.part_folders.get("vae", folder / "vae")
    return weights_digest(own) if own.is_dir() else model_digest(card)


def downloaded_folder(card: HubModel) -> Path:
    """Where `lab.generators.download` puts the weights of a hub model; complete whenever it exists."""
    return settings().workspace / "models" / card.id / (card.revision or "none")


def model_folder(card: GeneratorCard) -> Path:
    """The folder on this machine that holds the weights of `card`: its own, a downloaded one, or the hub's cache.

    Raises:
        GeneratorError: when it is not there, with what to do.
    """
    if card.path is not None:
        if not card.path.is_dir():
            raise GeneratorError(
                f"The model folder of {card.title} was not found; nothing was generated; "
                "put the folder back or correct the card."
            )
        return card.path
    if downloaded_folder(card).is_dir():
        return downloaded_folder(card)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(card.hub_id, revision=card.revision, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        gate = f" Access: {card.gate}." if card.gate else ""
        raise GeneratorError(
            f"The model of {card.title} is not on this machine; nothing was generated; "
            f"download it with: python -m lab generators download {card.id}, or give a folder in the card.{gate}"
        ) from error
