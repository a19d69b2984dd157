"""What a generator needs of the hub, as downloads: its own repository, the base under a LoRA, parts of others."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from functools import partial
from pathlib import Path

from lab.config import settings
from lab.errors import GeneratorError, WeightsError
from lab.generators import hub, places
from lab.generators.card import GeneratorCard
from lab.generators.card_state import left_open
from lab.generators.download import Arrived, Wanted, downloading, model_files, pipeline_files, planned
from lab.generators.hub import HubFile
from lab.generators.load import downloaded_folder, repository_folder
from lab.generators.weights import check_files, check_folder


def wanted(card: GeneratorCard) -> list[Wanted]:
    """The repositories of a generator, with where each belongs.

    Raises:
        GeneratorError: when its weights are not on the hub, or one of them is not pinned to a commit.
    """
    unknown = left_open(card)
    if unknown is not None:
        raise GeneratorError(unknown.reason)
    needed = places.needed_repositories(card)
    if not needed:
        raise GeneratorError(
            f"{card.title} is not on the hub; nothing was downloaded; its card names a folder of this machine."
        )
    return [_wanted(card, one) for one in needed]


def fetching(card: GeneratorCard) -> Generator[Arrived, None, Path | None]:
    """Fetch all that a generator needs, telling how far it is; returns the folder of its own repository.

    Raises:
        GeneratorError, WeightsError, StoreError: as `lab.generators.download.downloading` does.
    """
    yield from downloading(wanted(card))
    return downloaded_folder(card) if card.hub_id else None


def download_size(card: GeneratorCard) -> int:
    """Bytes that a download would bring, as the hub tells them now.

    Raises:
        GeneratorError: as `wanted` does, and when the hub is not reached or refuses.
    """
    return sum(file.size for one in wanted(card) if not one.is_here for file in planned(one))


def bytes_here(card: GeneratorCard) -> int:
    """Bytes that an unfinished download has left for the next attempt."""
    stages = [one.stage for one in wanted(card) if not one.is_here]
    return sum(file.stat().st_size for stage in stages for file in stage.rglob("*") if file.is_file())


def remove_download(card: GeneratorCard, others: list[GeneratorCard]) -> int:
    """Remove what was downloaded for a generator, whole or in part; returns the bytes that became free.

    Args:
        card: whose weights go; its card stays, and a folder that the card names is never touched.
        others: the cards of this installation; a repository that one of them needs too is kept.
    """
    kept = {
        (one.hub_id, one.revision)
        for other in others
        if other.id != card.id
        for one in places.needed_repositories(other)
    }
    own = [settings().workspace / "models" / card.id] if card.hub_id else []
    shared = [
        repository_folder(one.hub_id, one.revision).parent
        for one in places.needed_repositories(card)
        if one.hub_id != card.hub_id and (one.hub_id, one.revision) not in kept
    ]
    freed = 0
    for folder in [*own, *shared]:
        if folder.is_dir():
            freed += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            shutil.rmtree(folder)
    return freed


def _wanted(card: GeneratorCard, one: places.Repository) -> Wanted:
    facts = (one.title, one.hub_id, one.revision, one.gate)
    own = one.id == card.id and one.hub_id == card.hub_id
    if one.kind == "lora":
        return Wanted(*facts, downloaded_folder(card), partial(_only, card.lora), _check_data)
    if one.kind == "part":
        prefix = f"{one.subfolder.strip('/')}/" if one.subfolder else ""
        folder = repository_folder(one.hub_id, one.revision) / one.subfolder
        return Wanted(*facts, folder, partial(_below, prefix), _check_data, prefix, shared=not prefix)
    choose = pipeline_files if card.loader == "diffusers" and one.kind == "pipeline" else model_files
    if own:
        return Wanted(*facts, downloaded_folder(card), choose, check_folder)
    return Wanted(*facts, repository_folder(one.hub_id, one.revision), choose, check_folder, shared=True)


def _check_data(folder: Path) -> None:
    """A part is opened by our own class for it, whatever class its settings ask for."""
    check_files(folder)


def _only(name: str, repository: hub.Repository, files: list[HubFile]) -> list[HubFile]:
    found = [file for file in files if file.path == name]
    if not found or not name.endswith(".safetensors"):
        raise WeightsError(
            f"The repository of {repository.title} has no LoRA file of the card's name in safetensors; nothing was "
            "downloaded; correct the field 'lora'."
        )
    return found


def _below(prefix: str, repository: hub.Repository, files: list[HubFile]) -> list[HubFile]:
    return model_files(repository, [file for file in files if file.path.startswith(prefix)])
