"""The pictures a small generator learns from: one safetensors file of uint8 tensors, written once, read anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import DatasetError
from lab.generators.training.driven import TrainingProgress
from lab.generators.training.families.recipe import FamilyRecipe
from lab.provenance import digest_json

FILE = "data.safetensors"
CHUNK = 50


@dataclass(frozen=True)
class About:
    """What is known of the pictures without opening them.

    Attributes:
        films, patients: how many.
        classes, vendors: the words that labels and vendors are numbers of, sorted.
        structures: what 1, 2, ... in a mask stand for.
        modality: as on a card.
        digest: of recipe and renderer.
        phantom: drawn, not taken of a patient.
    """

    films: int
    patients: int
    classes: tuple[str, ...]
    vendors: tuple[str, ...]
    structures: tuple[str, ...]
    modality: str
    digest: str
    phantom: bool


@dataclass(frozen=True, eq=False)
class Films:
    """The pictures on a device: images (n, C, H, W) uint8; labels, vendors (n,) int64; masks (n, H, W) or None."""

    about: About
    images: Any
    labels: Any
    vendors: Any
    masks: Any


def prepare(recipe: FamilyRecipe, place: Path) -> Iterator[TrainingProgress]:
    """Write `place`/data.safetensors unless it is there for this recipe's data.

    Raises:
        DatasetError: when there is no training picture or the dataset is not installed.
    """
    from lab.generators.training.families.source import source_of

    file = place / FILE
    if file.is_file():
        # A run that is resumed, or taken to another machine, keeps the pictures it has.
        about = read_about(place)
        yield TrainingProgress("data", about.films, about.films)
        return
    source = source_of(recipe)
    if not source.count:
        raise DatasetError(
            "This recipe has no training pictures; nothing was trained; give it more patients or another dataset."
        )
    parts = place / "parts" / source.digest[:16]
    for start in range(0, source.count, CHUNK):
        part = parts / f"{start:06d}.npz"
        if not part.is_file():
            _write_part(part, source.read(start, min(start + CHUNK, source.count)))
        yield TrainingProgress("data", min(start + CHUNK, source.count), source.count)
    _join(recipe, source, sorted(parts.glob("*.npz")), file)
    for part in parts.glob("*.npz"):
        part.unlink()


def read_about(place: Path) -> About:
    """What stands in the head of `place`/data.safetensors.

    Raises:
        DatasetError: when it is not there.
        WeightsError: when it is damaged.
    """
    from lab.generators.weights import check_safetensors

    file = place / FILE
    if not file.is_file():
        raise DatasetError(
            "The training pictures were not written yet; nothing was trained; take the stage data first."
        )
    told: dict[str, Any] = json.loads(check_safetensors(file, FILE)["__metadata__"]["about"])
    told |= {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    return About(**told)


def load(place: Path, device: str) -> Films:
    """All pictures of `place`/data.safetensors on a device; errors as `read_about`."""
    from safetensors.torch import load_file

    about = read_about(place)
    tensors = load_file(place / FILE, device=device)
    return Films(about, tensors["images"], tensors["labels"], tensors["vendors"], tensors.get("masks"))


def some_masks(place: Path, count: int) -> list[NDArray[np.uint8]]:
    """Masks (H, W) uint8 of training pictures, evenly spread, each with every structure where there are such."""
    from safetensors import safe_open

    with safe_open(place / FILE, framework="numpy") as tensors:
        masks = tensors.get_tensor("masks")
    kinds = np.array([len(np.unique(mask)) for mask in masks])
    rows = np.flatnonzero(kinds == kinds.max())
    return [masks[row] for row in rows[np.linspace(0, len(rows) - 1, count).astype(int)]]


def _write_part(part: Path, rows: dict[str, NDArray[Any]]) -> None:
    from lab.atomic import replacing

    with replacing(part) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **rows)


def _join(recipe: FamilyRecipe, source: Any, parts: list[Path], file: Path) -> None:
    from safetensors.numpy import save_file

    from lab.atomic import replacing

    columns: dict[str, list[NDArray[Any]]] = {}
    for part in parts:
        with np.load(part, allow_pickle=False) as rows:
            for name in rows.files:
                columns.setdefault(name, []).append(rows[name])
    table = {name: np.concatenate(values) for name, values in columns.items()}
    labels = _numbered(table["labels"], "class" in recipe.conditioning, "class")
    vendors = _numbered(table["vendors"], "vendor" in recipe.conditioning, "vendor")
    tensors: dict[str, NDArray[Any]] = {"images": table["images"], "labels": labels[1], "vendors": vendors[1]}
    if "mask" in recipe.conditioning:
        tensors["masks"] = table["masks"]
    about = {
        "films": len(table["images"]), "patients": len(set(table["patients"].tolist())),
        "classes": labels[0], "vendors": vendors[0], "structures": list(source.structures),
        "modality": source.modality, "digest": digest_json([source.digest]), "phantom": source.phantom,
    }  # fmt: skip
    with replacing(file) as temporary:
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})


def _numbered(words: NDArray[Any], needed: bool, what: str) -> tuple[list[str], NDArray[np.int64]]:
    """The words in order and the number of each row's; -1 where a row has none."""
    names = sorted({str(word) for word in words.tolist() if word})
    numbers = np.array([names.index(word) if word else -1 for word in words.tolist()], np.int64)
    if needed and (numbers < 0).any():
        raise DatasetError(
            f"Some training pictures have no {what}; nothing was trained; add it, or train without it."
        )
    return names, numbers
