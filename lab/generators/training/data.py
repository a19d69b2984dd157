"""The films a generator learns from: phantoms rendered once, real films of an installed dataset, or both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.errors import DatasetError
from lab.generators.training import dataset_source, phantom_source
from lab.generators.training.driven import TrainingProgress
from lab.generators.training.films import Films, read_films
from lab.generators.training.recipe import TrainingRecipe
from lab.provenance import code_digest, digest_json


def digest(recipe: TrainingRecipe) -> str:
    """What the films depend on: their numbers, the source of the phantom renderer, the real films' content."""
    asked = [
        recipe.patients,
        recipe.films_per_patient,
        recipe.seed,
        recipe.held_out,
        recipe.size,
        recipe.twins,
    ]
    parts: list[list[Any]] = [asked]
    if recipe.patients:
        parts.append([code_digest(["lab.data.phantoms"])])
    if recipe.size_twins:
        parts.append(["size twins"])
    if recipe.plant is not None:
        parts.append([asdict(recipe.plant)])
    if recipe.dataset:
        parts.append([dataset_source.digest(recipe), recipe.captions])
    return digest_json(parts)


def films_digest(recipe: TrainingRecipe, place: Path) -> str:
    """Digest of the films this run began with: a run that is resumed keeps them, whatever the renderer is now."""
    pin = place / "films.json"
    if pin.is_file():
        return str(json.loads(pin.read_text(encoding="utf-8"))["digest"])
    return digest(recipe)


def folder_of(recipe: TrainingRecipe, place: Path) -> Path:
    """Folder of the films' arrays."""
    return place / "films" / films_digest(recipe, place)[:16]


def prepare(recipe: TrainingRecipe, place: Path) -> Iterator[TrainingProgress]:
    """Render and read what is missing of the training films and of one film a held-out patient.

    Raises:
        DatasetError: when the recipe has no training films.
    """
    if not recipe.patients and not recipe.dataset:
        raise DatasetError("This recipe has no training films; nothing was trained; give it more patients.")
    write_json(place / "films.json", {"digest": films_digest(recipe, place)})
    folder = folder_of(recipe, place)
    sources = ([phantom_source] if recipe.patients else []) + ([dataset_source] if recipe.dataset else [])
    for source in sources:
        for done, total in source.prepare(recipe, folder):
            yield TrainingProgress("data", done, total)
    yield TrainingProgress("data", 1, 1)


def load_films(recipe: TrainingRecipe, place: Path, split: str) -> Films:
    """All films of a split, in a fixed order.

    Raises:
        DatasetError: when none was prepared.
    """
    return read_films(folder_of(recipe, place), split)
