"""Where on this machine the pieces of a generator lie: pipeline or base, shared parts, LoRA; and what is missing.

A place in a card is a folder of this machine, or a pinned commit of the hub: `hf://OWNER/NAME@COMMIT`, with
`/SUBFOLDER` behind it where the piece is not at the top of its repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import GeneratorCard

HUB = "hf://"
_HUB_PLACE = re.compile(r"hf://([\w.-]+/[\w.-]+)@([0-9a-f]{40})?(?:/([\w./-]+))?\Z")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*\Z")


@dataclass(frozen=True)
class Repository:
    """A commit of a hub repository that a generator reads from; a `HubModel` for `lab.generators.download`.

    Attributes:
        id, title: its name in folders and in sentences.
        hub_id, revision: where it is; the revision is empty where a published card is not pinned yet.
        gate: how access is given.
        kind: "pipeline" for a whole folder with model_index.json, "part" for one component, "lora", or "assembled"
            for a repository of component folders without an index.
        subfolder: what is wanted of it; empty for all.
    """

    id: str
    title: str
    hub_id: str
    revision: str
    gate: str = ""
    kind: str = "pipeline"
    subfolder: str = ""


def needed_repositories(card: GeneratorCard) -> list[Repository]:
    """Every hub repository that this generator reads from, its own first; none for one that lies in folders."""
    needed = []
    if card.hub_id:
        kind = "lora" if _over_base(card) else "assembled" if card.pipeline and card.parts else "pipeline"
        needed.append(Repository(card.id, card.title, card.hub_id, card.revision, card.gate, kind))
    if _over_base(card) and _on_hub(card.base, card):
        needed.append(_repository(card, card.base, card.base_revision, "pipeline"))
    for place in card.parts.values():
        found = _HUB_PLACE.match(place)
        if found:
            needed.append(_repository(card, found[1], found[2] or "", "part", found[3] or ""))
    return list(dict.fromkeys(needed))


def pipeline_folder(card: GeneratorCard) -> Path:
    """The folder of the pipeline: the base where the card lays a LoRA over one, else the card's own.

    A base without a LoRA only tells what the model was trained from.

    Raises:
        GeneratorError: when it is not on this machine.
    """
    from lab.generators.load import model_folder

    if not _over_base(card):
        return model_folder(card)
    if _on_hub(card.base, card):
        return _on_this_machine(card, _repository(card, card.base, card.base_revision, "pipeline"))
    folder = _local(card, card.base)
    if not folder.is_dir():
        raise GeneratorError(
            f"The base model of {card.title} was not found; nothing was generated; "
            "put its folder back or correct the card."
        )
    return folder


def part_folders(card: GeneratorCard) -> dict[str, Path]:
    """Folders of the components that lie outside the pipeline's folder, by component; a local one may be absent.

    Raises:
        GeneratorError: when one that lives on the hub is not on this machine.
        WeightsError: for a hub place that is not written as one.
    """
    folders = {}
    for name, place in sorted(card.parts.items()):
        if not place.startswith(HUB):
            folders[name] = _local(card, place)
            continue
        found = _HUB_PLACE.match(place)
        if found is None:
            raise WeightsError(
                f"The part {name[:40]!r} of {card.title} names no commit of the hub; nothing was loaded; "
                "write it as hf://OWNER/NAME@COMMIT with all 40 digits."
            )
        wanted = _repository(card, found[1], found[2] or "", "part", found[3] or "")
        folders[name] = _on_this_machine(card, wanted) / wanted.subfolder
    return folders


def lora_file(card: GeneratorCard) -> Path | None:
    """The LoRA file of a card, None for a card without one.

    It is looked for beside the card, and by its name in the card's own folder or downloaded repository.

    Raises:
        WeightsError: when it is not there as safetensors, or is damaged.
    """
    from lab.generators.load import model_folder
    from lab.generators.weights import check_safetensors

    if not card.lora:
        return None
    tried = [_local(card, card.lora)]
    if card.folder or card.hub_id:
        tried.append(model_folder(card) / card.lora)
    file = next((place for place in tried if place.is_file()), None)
    if file is None or file.suffix != ".safetensors":
        raise WeightsError(
            "The LoRA file of this card was not found as safetensors; nothing was loaded; correct the card."
        )
    check_safetensors(file, file.name)
    return file


def digest(card: GeneratorCard) -> str:
    """SHA-256 over all weights and settings of a generator: pipeline, parts, and the LoRA laid over them.

    Raises:
        GeneratorError: when a piece is not on this machine.
    """
    from lab.generators.external_folder import LOADER, folder_digest
    from lab.generators.weights import weights_digest
    from lab.provenance import digest_file, digest_json

    if card.loader == LOADER:
        return folder_digest(pipeline_folder(card))
    whole = weights_digest(pipeline_folder(card), part_folders(card))
    lora = lora_file(card)
    return whole if lora is None else digest_json([whole, digest_file(lora)])


def _over_base(card: GeneratorCard) -> bool:
    return bool(card.base and card.lora)


def _on_hub(place: str, card: GeneratorCard) -> bool:
    return bool(_HUB_ID.match(place)) and not _local(card, place).is_dir()


def _local(card: GeneratorCard, place: str) -> Path:
    given = Path(place).expanduser()
    return given if given.is_absolute() or card.root is None else card.root / given


def _repository(
    card: GeneratorCard, hub_id: str, revision: str, kind: str, subfolder: str = ""
) -> Repository:
    title = f"{card.title} ({hub_id})"
    return Repository(hub_id.replace("/", "--"), title, hub_id, revision, card.gate, kind, subfolder)


def _on_this_machine(card: GeneratorCard, wanted: Repository) -> Path:
    from lab.generators.load import cached_folder, repository_folder

    here = [repository_folder(wanted.hub_id, wanted.revision), cached_folder(wanted.hub_id, wanted.revision)]
    found = next((folder for folder in here if wanted.revision and folder.is_dir()), None)
    if found is None:
        gate = f" Access: {card.gate}." if card.gate else ""
        raise GeneratorError(
            f"{wanted.hub_id} at its pinned commit, which {card.title} needs, is not on this machine; nothing was "
            f"generated; download it with: python -m lab generators download {card.id}, or give a folder in the "
            f"card.{gate}"
        )
    return found
