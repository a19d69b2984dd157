"""Where the networks lie, and what their cards say; nothing here loads torch.

A network is a folder with `network.safetensors` and `card.json`: in the workspace under
`identity/DATASET/QUESTION`, for phantoms also among the assets of this program under the same names.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import NotFoundError, WeightsError
from lab.identification.network import Question, Shape
from lab.network_folders import CARD, NetworkFolders

FOLDERS = NetworkFolders("identity", 2)
WORDS: dict[str, str] = {"patient": "Re-ID network", "copy": "copy embedding"}


@dataclass(frozen=True)
class IdentityCard:
    """What is known of a network.

    Attributes:
        dataset: id of the dataset it was trained on, or judged on where it comes from elsewhere.
        question: "patient" or "copy".
        size, widths, trunk: its shape.
        origin: "trained here", "shipped" or "published weights".
        licence: one line.
        verification: how well it tells patients apart on patients it has not seen; {} where not measured.
        training: steps, seconds, films, patients.
        notes: sentences for people.
    """

    dataset: str
    question: Question
    size: int
    widths: tuple[int, ...]
    trunk: str
    origin: str
    licence: str
    verification: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    notes: str = ""

    @property
    def shape(self) -> Shape:
        """What to build before the weights go in."""
        return Shape(
            self.question, self.size, self.widths, "resnet50" if self.trunk == "resnet50" else "small"
        )

    @property
    def title(self) -> str:
        """Words for lists."""
        return (
            f"{WORDS[self.question][0].upper()}{WORDS[self.question][1:]} of {self.dataset} ({self.origin})"
        )

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON."""
        return {**asdict(self), "widths": list(self.widths)}


def own_folder(dataset: str, question: Question) -> Path:
    """Where this workspace keeps a network of a dataset."""
    return FOLDERS.own / dataset / question


def folder_of(dataset: str, question: Question) -> Path | None:
    """Folder of the network in use: the workspace's own before the shipped one; None without any."""
    return FOLDERS.in_use(dataset, question)


def read_card(folder: Path) -> IdentityCard:
    """The card of a network.

    Raises:
        WeightsError: when it is damaged.
    """
    try:
        told = json.loads((folder / CARD).read_text("utf-8"))
        return IdentityCard(**{**told, "widths": tuple(int(width) for width in told["widths"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(
            "The card of a Re-ID network or copy embedding is damaged; its weights are kept; train it again."
        ) from error


def list_cards() -> list[tuple[Path, IdentityCard]]:
    """All networks that can be used here, the workspace's first; damaged cards are passed over."""
    found: dict[tuple[str, str], tuple[Path, IdentityCard]] = {}
    for folder, card in FOLDERS.cards(read_card):
        found.setdefault((card.dataset, card.question), (folder, card))
    return [found[key] for key in sorted(found)]


def installed_digest(dataset: str, question: Question) -> str:
    """Digest of card and weights of the network in use, "none" without any."""
    return FOLDERS.digest(dataset, question)


def why_absent(dataset: str, question: Question) -> str:
    """How to get a network that is not here, as one sentence; "" where it is."""
    if folder_of(dataset, question) is not None:
        return ""
    return (
        f"There is no {WORDS[question]} for {dataset} here; nothing else is missing; train one with "
        f"python -m lab identity train {dataset} --question {question}."
    )


def need_folder(dataset: str, question: Question) -> Path:
    """Folder of the network in use.

    Raises:
        NotFoundError: when there is none.
    """
    folder = folder_of(dataset, question)
    if folder is None:
        raise NotFoundError(why_absent(dataset, question))
    return folder
