"""Where segmenters lie, and what their cards say; nothing here loads torch.

A segmenter is a folder with `network.safetensors` and `card.json`: in the workspace under `segmenters/DATASET`, for
phantoms also among the assets of this program under the same names.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import NotFoundError, WeightsError
from lab.network_folders import CARD, NetworkFolders

FOLDERS = NetworkFolders("segmenters", 1)


@dataclass(frozen=True)
class SegmenterCard:
    """What is known of a segmenter.

    Attributes:
        dataset: id of the dataset it was trained on.
        size: side of the square it sees, in pixels.
        widths: channels of its stages.
        values: mask value of each class after background.
        names: name of each of them.
        origin: "trained here" or "shipped".
        licence: one line.
        overlap: mean Dice by structure name on patients that did not teach; {} where there were none.
        training: steps, seconds, images, patients.
        notes: sentences for people.
    """

    dataset: str
    size: int
    widths: tuple[int, ...]
    values: tuple[int, ...]
    names: tuple[str, ...]
    origin: str
    licence: str
    overlap: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    notes: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON."""
        lists = {name: list(getattr(self, name)) for name in ("widths", "values", "names")}
        return {**asdict(self), **lists}


def own_folder(dataset: str) -> Path:
    """Where this workspace keeps the segmenter of a dataset."""
    return FOLDERS.own / dataset


def folder_of(dataset: str) -> Path | None:
    """Folder of the segmenter in use: the workspace's own before the shipped one; None without any."""
    return FOLDERS.in_use(dataset)


def read_card(folder: Path) -> SegmenterCard:
    """The card of a segmenter.

    Raises:
        WeightsError: when it is damaged.
    """
    try:
        told = json.loads((folder / CARD).read_text("utf-8"))
        whole = {name: tuple(int(one) for one in told[name]) for name in ("widths", "values")}
        return SegmenterCard(**{**told, **whole, "names": tuple(map(str, told["names"]))})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(
            "The card of a segmenter is damaged; its weights are kept; train it again."
        ) from error


def list_cards() -> list[SegmenterCard]:
    """All segmenters that can be used here, the workspace's first; damaged cards are passed over."""
    found: dict[str, SegmenterCard] = {}
    for _, card in FOLDERS.cards(read_card):
        found.setdefault(card.dataset, card)
    return [found[key] for key in sorted(found)]


def installed_digest(dataset: str) -> str:
    """Digest of card and weights of the segmenter in use, "none" without any."""
    return FOLDERS.digest(dataset)


def why_absent(dataset: str) -> str:
    """How to get a segmenter that is not here, as one sentence; "" where it is."""
    if folder_of(dataset) is not None:
        return ""
    return (
        f"There is no segmenter for {dataset} here; train one with python -m lab segmenter train {dataset}."
    )


def need_folder(dataset: str) -> Path:
    """Folder of the segmenter in use.

    Raises:
        NotFoundError: when there is none.
    """
    folder = folder_of(dataset)
    if folder is None:
        raise NotFoundError(why_absent(dataset))
    return folder
