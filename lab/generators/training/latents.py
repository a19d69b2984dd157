"""Latents of augmented copies of the training films, encoded once and kept as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lab.atomic import read_array, write_array
from lab.generators.training import base, data
from lab.generators.training.augment import augmented, tensors_of
from lab.generators.training.driven import TrainingProgress
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import generator_at
from lab.provenance import digest_json

BATCH = 24


def folder_of(recipe: TrainingRecipe, place: Path) -> Path:
    """Folder of the latents: another one for other films or another autoencoder."""
    key = digest_json([data.films_digest(recipe, place), base.autoencoder_digest(recipe, place)])
    return place / "latents" / key[:16]


def prepare(recipe: TrainingRecipe, place: Path) -> Iterator[TrainingProgress]:
    """Encode `recipe.copies` augmented copies of each training film: posterior mean and finding mask.

    Films that are planted stay as they are where the plant says so.
    """
    folder = folder_of(recipe, place)
    missing = [k for k in range(recipe.copies) if not (folder / f"{k}.npy").is_file()]
    if not missing:
        return
    model = base.parts_of(recipe, place).autoencoder
    films = data.load_films(recipe, place, "train")
    for copy in missing:
        write_array(folder / f"{copy}.npy", _encoded(recipe, model, films, copy))
        yield TrainingProgress("latents", copy + 1, recipe.copies)


def load(recipe: TrainingRecipe, place: Path) -> list[Any]:
    """One (n, c + 1, h, w) float16 array a copy: latent mean and finding mask."""
    folder = folder_of(recipe, place)
    return [read_array(folder / f"{k}.npy", mmap=False) for k in range(recipe.copies)]


def _encoded(recipe: TrainingRecipe, model: Any, films: data.Films, copy: int) -> Any:
    import torch
    from torch.nn import functional

    parts = []
    with torch.no_grad():
        for start in range(0, len(films.images), BATCH):
            rows = np.arange(start, min(start + BATCH, len(films.images)))
            draw = generator_at(recipe, f"latents {copy}", start)
            masks = tensors_of(films.lesions, rows, signed=False)
            pixels = tensors_of(films.images, rows, signed=True)
            if recipe.augments:
                pixels, masks = augmented(pixels, masks, draw)
            posterior = model.encode(pixels).latent_dist
            inside = functional.adaptive_max_pool2d(masks, posterior.mean.shape[-2:])
            parts.append(torch.cat([posterior.mean, inside], 1).half().numpy())
    return np.concatenate(parts)
