"""From a card to a loaded generator."""

from __future__ import annotations

from pathlib import Path

from lab.config import settings
from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.contract import Generator
from lab.generators.hub import HubModel
from lab.generators.loaders import LOADERS


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
    from lab.generators.placement import usable
    from lab.generators.places import pipeline_folder

    chosen = pick(device)
    return LOADERS.get(card.loader)(usable(card, chosen), pipeline_folder(card), chosen)


def model_digest(card: GeneratorCard) -> str:
    """SHA-256 over all weights and settings of a generator: parts that it shares, base and LoRA among them.

    Raises:
        GeneratorError: when its folder is not on this machine.
    """
    from lab.generators.places import digest

    return digest(card)


def autoencoder_digest(card: GeneratorCard) -> str:
    """SHA-256 over the autoencoder alone: generators that share one also share what was calibrated with it.

    Raises:
        GeneratorError: when the generator's folder is not on this machine.
    """
    from lab.generators.places import part_folders, pipeline_folder
    from lab.generators.weights import weights_digest

    own = part_folders(card).get("vae", pipeline_folder(card) / "vae")
    return weights_digest(own) if own.is_dir() else model_digest(card)


def downloaded_folder(card: HubModel) -> Path:
    """Where `lab.generators.download` puts the weights of a hub model; complete whenever it exists."""
    return settings().workspace / "models" / card.id / (card.revision or "none")


def repository_folder(hub_id: str, revision: str) -> Path:
    """Where `lab.generators.download` puts a repository that several models may need; complete whenever it exists."""
    return settings().workspace / "models" / "hub" / hub_id.replace("/", "--") / (revision or "none")


def cached_folder(hub_id: str, revision: str) -> Path:
    """Where the hub's own client keeps a commit of a repository, whether or not it is there."""
    from huggingface_hub import constants

    name = "models--" + hub_id.replace("/", "--")
    return Path(constants.HF_HUB_CACHE) / name / "snapshots" / (revision or "none")


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
    cached = cached_folder(card.hub_id, card.revision)
    if card.hub_id and card.revision and cached.is_dir():
        return cached
    from lab.generators.card_state import left_open

    asked = left_open(card)
    gate = f" Access: {card.gate}." if card.gate else ""
    raise GeneratorError(
        asked.reason
        if asked is not None
        else f"The model of {card.title} is not on this machine; nothing was generated; "
        f"download it with: python -m lab generators download {card.id}, or give a folder in the card.{gate}"
    )
