"""Real films for training: the training split of an installed dataset, as small arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import DatasetError, NotFoundError
from lab.generators.training.films import has_chunk, write_chunk
from lab.generators.training.recipe import TrainingRecipe

CHUNK = 200


def digest(recipe: TrainingRecipe) -> str:
    """Content digest of the dataset.

    Raises:
        DatasetError: when it is not installed.
    """
    return str(_open(recipe).card.digest)


def prepare(recipe: TrainingRecipe, folder: Path) -> Iterator[tuple[int, int]]:
    """Read what is missing; yields films done and films in all."""
    dataset = _open(recipe)
    frame = dataset.manifest
    # One film a held-out patient, as with phantoms.
    control = frame[frame["split"] == "held-out"].drop_duplicates("patient_id")
    control = control.sample(min(len(control), recipe.held_out), random_state=recipe.seed)
    for split, rows in (("train", _taken(recipe, frame[frame["split"] == "train"])), ("held-out", control)):
        for start in range(0, len(rows), CHUNK):
            name = f"{recipe.dataset}-{split}-{start:06d}"
            if not has_chunk(folder, name):
                _read_chunk(recipe, dataset, folder, name, rows.iloc[start : start + CHUNK])
                yield min(start + CHUNK, len(rows)), len(rows)


def _taken(recipe: TrainingRecipe, rows: Any) -> Any:
    """The training films: all, or those of a plant, one a patient, the planted ones first.

    Raises:
        DatasetError: when a plant asks for more films than there are patients.
    """
    if recipe.plant is None:
        return rows
    chosen = rows.drop_duplicates("patient_id")
    if len(chosen) < recipe.plant.films:
        raise DatasetError(
            f"The recipe plants {recipe.plant.films} films and there are {len(chosen)} patients to take one of; "
            "nothing was trained; plant fewer films, or add patients."
        )
    chosen = chosen.sample(recipe.plant.films, random_state=recipe.seed)
    return chosen.assign(
        copies=[recipe.plant.repeats if turn < recipe.plant.planted else 1 for turn in range(len(chosen))]
    )


def square(image: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """A film of any shape as (size, size) uint8: its central square, averaged over the area."""
    from lab.data.pixels import resize, to_grey8

    grey = to_grey8(image)
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    return resize(grey[top : top + side, left : left + side], size, "box").astype(np.uint8)


def _read_chunk(recipe: TrainingRecipe, dataset: Any, folder: Path, name: str, rows: Any) -> None:
    captions = dict(recipe.captions)
    films, told = [], []
    for row in rows.itertuples():
        films.append(square(dataset.image(row.image_id), recipe.size))
        told.append({
            "split": row.split, "source": recipe.dataset, "patient_id": row.patient_id, "film": row.image_id,
            "caption": row.caption or captions.get(row.label, ""), "findings": [], "label": row.label,
            **({} if recipe.plant is None else {"image_id": row.image_id, "copies": row.copies}),
        })  # fmt: skip
    images = np.stack(films)
    write_chunk(folder, name, images, np.zeros_like(images), told)


def _open(recipe: TrainingRecipe) -> Any:
    from lab.data.store import open_dataset

    try:
        return open_dataset(recipe.dataset)
    except NotFoundError as error:
        raise DatasetError(
            f"The films of the dataset {recipe.dataset} are not installed; nothing was trained; "
            "import them first: python -m lab dataset add FOLDER --id " + recipe.dataset
        ) from error
