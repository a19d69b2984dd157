"""Phantom films for training: rendered once, training and held-out patients apart, each with its twin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_dataset import phantom_split
from lab.errors import DatasetError
from lab.generators.training import plant
from lab.generators.training.combinations import is_withheld
from lab.generators.training.films import has_chunk, write_chunk
from lab.generators.training.recipe import TrainingRecipe
from lab.provenance import digest_bytes

if TYPE_CHECKING:
    from lab.data.phantoms import Film, FindingSpec

CHUNK = 20
OTHER_SIDE = {"right": "left", "left": "right"}


@dataclass(frozen=True)
class Job:
    """One film to render: its split, its patient's number and its own."""

    split: str
    patient: int
    film: int


def patients_of(recipe: TrainingRecipe) -> dict[str, list[int]]:
    """Patient numbers of each split, the same as in a phantom dataset of any size.

    Raises:
        DatasetError: when no patient falls into the training split.
    """
    found: dict[str, list[int]] = {"train": [], "held-out": []}
    for number in range(recipe.patients):
        found.setdefault(phantom_split(f"phantom-{recipe.seed}-{number:05d}"), []).append(number)
    if not found["train"]:
        raise DatasetError("This recipe has no training films; nothing was trained; give it more patients.")
    return found


def prepare(recipe: TrainingRecipe, folder: Path) -> Iterator[tuple[int, int]]:
    """Render what is missing; yields films done and films in all."""
    splits = patients_of(recipe)
    jobs = [Job("held-out", patient, 0) for patient in sorted(splits["held-out"])[: recipe.held_out]]
    # One film of every patient before a second one of any: a run on few films still sees all anatomies.
    films = range(recipe.films_per_patient)
    every = [Job("train", patient, film) for film in films for patient in sorted(splits["train"])]
    jobs += plant.limited(recipe, every)
    chunks = [jobs[k : k + CHUNK] for k in range(0, len(jobs), CHUNK)]
    missing = [k for k in range(len(chunks)) if not has_chunk(folder, f"phantom-{k:04d}")]
    copies = plant.copies_of(recipe, every) if missing else {}
    for index in missing:
        _render_chunk(recipe, folder, f"phantom-{index:04d}", chunks[index], copies)
        yield min((index + 1) * CHUNK, len(jobs)), len(jobs)


def shrink(image: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """Box average of a square image down to `size`, which must divide its side."""
    factor = image.shape[0] // size
    boxes = image.astype(np.float32).reshape(size, factor, size, factor).mean(axis=(1, 3))
    return np.rint(boxes).astype(np.uint8)


def _render_chunk(
    recipe: TrainingRecipe, folder: Path, name: str, jobs: list[Job], copies: dict[Job, int]
) -> None:
    images, lesions, rows = [], [], []
    for job in jobs:
        for turn, film in enumerate(_films(recipe, job)):
            row = _row(job, film)
            # Held-out films are a yardstick: they keep every combination. So do planted films, which nobody asks to
            # put words together: the number of films is to be what the recipe says.
            if job.split == "train" and recipe.plant is None and is_withheld(row["findings"]):
                continue
            if turn == 0 and recipe.plant is not None:
                row |= {"image_id": film_id(recipe.seed, job, film), "copies": copies.get(job, 1)}
            images.append(shrink(film.image, recipe.size))
            lesions.append(shrink(film.masks["lesion"].astype(np.float32), recipe.size))
            rows.append(row)
    empty = np.zeros((0, recipe.size, recipe.size), np.uint8)
    write_chunk(folder, name, np.stack(images) if rows else empty, np.stack(lesions) if rows else empty, rows)


def film_id(seed: int, job: Job, film: Film) -> str:
    """The image id of a film in a phantom dataset.

    That of a pack where one fits: another processor may round a grey level otherwise, and the film keeps its id.
    """
    from lab.data.phantom_films import stored_bytes
    from lab.data.phantom_pack import image_ids

    known = image_ids(seed).get((str(film.record["patient_id"]), job.film))
    return known or digest_bytes(stored_bytes(film.image))[:16]


def _films(recipe: TrainingRecipe, job: Job) -> Iterator[Film]:
    from lab.data.phantoms import PhantomRecipe, render

    address = PhantomRecipe(recipe.seed, job.patient, job.film)
    film = render(address)
    yield film
    findings = json.loads(str(film.record["findings"]))
    if recipe.twins and findings and job.split == "train":
        resized = recipe.size_twins and job.film % 2 == 1
        yield render(address, finding=resized_of(findings, job.patient) if resized else twin_of(findings))


def twin_of(findings: list[dict[str, Any]]) -> tuple[FindingSpec, ...]:
    """The findings of the counterfactual: sided ones on the other side, others left out."""
    from lab.data.phantoms.draws import OPPOSITE, FindingSpec

    return tuple(
        FindingSpec(f["label"], OTHER_SIDE[f["side"]], f["size"], OPPOSITE.get(f["lobe"], ""))
        for f in findings
        if f["side"]
    )


def resized_of(findings: list[dict[str, Any]], turn: int) -> tuple[FindingSpec, ...]:
    """The findings in another size, one of the two others by `turn`; devices have none and stay."""
    from lab.data.phantoms.draws import SIZES, FindingSpec

    return tuple(
        FindingSpec(
            f["label"], f["side"],
            SIZES[(SIZES.index(f["size"]) + 1 + turn % 2) % 3] if f["size"] else "", f["lobe"],
        )
        for f in findings
    )  # fmt: skip


def _row(job: Job, film: Film) -> dict[str, Any]:
    record = film.record
    return {
        "split": job.split, "source": "phantom", "patient_id": record["patient_id"], "film": job.film,
        "caption": record["caption"], "findings": json.loads(str(record["findings"])), "view": record["view"],
    }  # fmt: skip
