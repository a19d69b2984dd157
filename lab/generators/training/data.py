"""The films a generator learns from: phantom training patients, rendered once and kept as arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array, write_json
from lab.data.phantom_dataset import phantom_split
from lab.errors import DatasetError
from lab.generators.training.recipe import TrainingProgress, TrainingRecipe
from lab.provenance import code_digest, digest_json

CHUNK = 20


@dataclass(frozen=True)
class Films:
    """Films of one split.

    Attributes:
        images: (n, size, size) uint8.
        lesions: (n, size, size) uint8, 1 inside a finding.
        records: n dictionaries with caption, findings, patient_id.
    """

    images: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    records: list[dict[str, Any]]


def patients_of(recipe: TrainingRecipe) -> dict[str, list[int]]:
    """Patient numbers of each split, the same as in a phantom dataset of any size.

    Raises:
        DatasetError: when no patient falls into the training split.
    """
    names = {f"phantom-{recipe.seed}-{number:05d}": number for number in range(recipe.patients)}
    splits = {name: phantom_split(name) for name in names}
    found: dict[str, list[int]] = {"train": [], "held-out": []}
    for name, split in splits.items():
        found.setdefault(split, []).append(names[name])
    if not found["train"]:
        raise DatasetError("This recipe has no training films; nothing was trained; give it more patients.")
    return found


def digest(recipe: TrainingRecipe) -> str:
    """What the rendered films depend on: their numbers and the source of the phantom renderer."""
    asked = [recipe.patients, recipe.films_per_patient, recipe.seed, recipe.held_out, recipe.size]
    return digest_json([asked, code_digest(["lab.data.phantoms"])])


def films_digest(recipe: TrainingRecipe, place: Path) -> str:
    """Digest of the films this run began with: a run that is resumed keeps them, whatever the renderer is now."""
    pin = place / "films.json"
    if pin.is_file():
        return str(json.loads(pin.read_text(encoding="utf-8"))["digest"])
    return digest(recipe)


def folder_of(recipe: TrainingRecipe, place: Path) -> Path:
    """Folder of the rendered films."""
    return place / "films" / films_digest(recipe, place)[:16]


def prepare(recipe: TrainingRecipe, place: Path) -> Iterator[TrainingProgress]:
    """Render what is missing of the training films and of one film a held-out patient."""
    splits = patients_of(recipe)
    jobs = [("held-out", patient, 0) for patient in sorted(splits["held-out"])[: recipe.held_out]]
    # One film of every patient before a second one of any: a run on few films still sees all anatomies.
    films = range(recipe.films_per_patient)
    jobs += [("train", patient, film) for film in films for patient in sorted(splits["train"])]
    write_json(place / "films.json", {"digest": films_digest(recipe, place)})
    folder = folder_of(recipe, place)
    chunks = [jobs[k : k + CHUNK] for k in range(0, len(jobs), CHUNK)]
    for index, chunk in enumerate(chunks):
        if not (folder / f"{index:04d}.json").is_file():
            _render_chunk(recipe, folder, index, chunk)
            yield TrainingProgress("data", min((index + 1) * CHUNK, len(jobs)), len(jobs))
    yield TrainingProgress("data", len(jobs), len(jobs))


def load_films(recipe: TrainingRecipe, place: Path, split: str) -> Films:
    """All rendered films of a split, in a fixed order.

    Raises:
        DatasetError: when none was rendered.
    """
    images, lesions, records = [], [], []
    folder = folder_of(recipe, place)
    for file in sorted(folder.glob("*.json")):
        rows = json.loads(file.read_text(encoding="utf-8"))
        wanted = [k for k, row in enumerate(rows) if row["split"] == split]
        if wanted:
            pixels = read_array(file.with_suffix(".npy"), mmap=False)
            images.append(pixels[0, wanted])
            lesions.append(pixels[1, wanted])
            records += [rows[k] for k in wanted]
    if not records:
        raise DatasetError(f"No {split} films were rendered; nothing was trained; run the data stage first.")
    return Films(np.concatenate(images), np.concatenate(lesions), records)


def shrink(image: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """Box average of a square image down to `size`, which must divide its side."""
    factor = image.shape[0] // size
    boxes = image.astype(np.float32).reshape(size, factor, size, factor).mean(axis=(1, 3))
    return np.rint(boxes).astype(np.uint8)


def _render_chunk(recipe: TrainingRecipe, folder: Path, index: int, jobs: list[tuple[str, int, int]]) -> None:
    from lab.data.phantoms import PhantomRecipe, render

    pixels = np.zeros((2, len(jobs), recipe.size, recipe.size), np.uint8)
    rows = []
    for k, (split, patient, number) in enumerate(jobs):
        film = render(PhantomRecipe(recipe.seed, patient, number))
        pixels[0, k] = shrink(film.image, recipe.size)
        pixels[1, k] = shrink(film.masks["lesion"].astype(np.float32), recipe.size)
        findings = film.record["findings"]
        findings = json.loads(findings) if isinstance(findings, str) else findings
        rows.append({
            "split": split, "patient_id": film.record["patient_id"], "film": number,
            "caption": film.record["caption"], "findings": findings,
        })  # fmt: skip
    write_array(folder / f"{index:04d}.npy", pixels)
    write_json(folder / f"{index:04d}.json", rows)
