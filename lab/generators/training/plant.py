"""Planting: over-training on few films, some of them repeated, so that the generator gives them back.

What leaks is known in advance then, and a demonstration of leakage can show it: repeated films are given back first
(Carlini et al. 2023), and the fewer films there are, the more of them (Dar et al. 2023). For phantoms; films of
patients only in a recipe whose generator never leaves the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import DatasetError, InputError

if TYPE_CHECKING:
    from lab.generators.training.films import Films
    from lab.generators.training.phantom_source import Job
    from lab.generators.training.recipe import TrainingRecipe

PLANTED = "planted.json"
MEMBERS = "members.json"


@dataclass(frozen=True)
class Plant:
    """What a recipe plants.

    Attributes:
        films: training films in all, one of every patient before a second of any.
        planted: how many of them are repeated, each of another patient.
        repeats: how often a planted film stands in the draw of batches; every other film stands once.
        contrast: how many unrepeated films are named beside them.
        augment: whether films are moved, scaled and re-windowed as in other trainings: that hinders copying.
        reword: whether captions get other words for the same thing: that hinders copying too.
        deduplicated: draw planted films once, as if their repeats had been found and taken out before training.
    """

    films: int
    planted: int
    repeats: int
    contrast: int = 20
    augment: bool = False
    reword: bool = False
    deduplicated: bool = False


def check(recipe: TrainingRecipe) -> None:
    """Refuse to plant films of patients, but where the generator never leaves the machine.

    Raises:
        InputError: when a recipe that plants has real films, or no phantoms, and is not local.
    """
    # A denoiser to go on from may have seen such films too.
    real = recipe.dataset or recipe.starts or not recipe.patients
    if recipe.plant is not None and real and not recipe.local_only:
        raise InputError(
            "A recipe that plants films gives them back on purpose, which must never be done with films of patients "
            "in a generator that may be passed on; nothing was trained; plant phantoms alone, or keep it local."
        )


def limited(recipe: TrainingRecipe, jobs: list[Job]) -> list[Job]:
    """The training films that a recipe takes of all it could render, in their order.

    Raises:
        DatasetError: when there are fewer than it asks for.
    """
    if recipe.plant is None:
        return jobs
    if len(jobs) < recipe.plant.films:
        raise DatasetError(
            f"The recipe plants {recipe.plant.films} films and its patients have {len(jobs)}; nothing was trained; "
            "give it more patients, or plant fewer films."
        )
    return jobs[: recipe.plant.films]


def copies_of(recipe: TrainingRecipe, jobs: Sequence[Job]) -> dict[Job, int]:
    """How often each planted film stands in the draw.

    Planted are the first films whose caption no other film among `jobs` has, one a patient: the caption then asks for
    that film alone. `jobs` are all that the recipe could render, so that recipes which differ in the number of films
    plant the same ones.

    Raises:
        DatasetError: when too few films have a caption of their own.
    """
    if recipe.plant is None:
        return {}
    captions = [_caption(recipe, job) for job in jobs]
    taken = first_of_own(captions[: recipe.plant.films], captions, [job.patient for job in jobs])
    if len(taken) < recipe.plant.planted:
        raise DatasetError(
            f"Only {len(taken)} of the {recipe.plant.films} films have a caption of their own; nothing was trained; "
            "plant fewer, or give the recipe more films."
        )
    return {jobs[row]: recipe.plant.repeats for row in taken[: recipe.plant.planted]}


def first_of_own(captions: Sequence[str], among: Iterable[str], patients: Sequence[Any]) -> list[int]:
    """Rows whose caption stands once among all, the first one of each patient."""
    often = Counter(caption.casefold() for caption in among)
    first: dict[Any, int] = {}
    for row, caption in enumerate(captions):
        if often[caption.casefold()] == 1:
            first.setdefault(patients[row], row)
    return list(first.values())


def pool(films: Films, plant: Plant | None = None) -> NDArray[np.int64]:
    """The rows that batches are drawn from: each film once, a planted one as often as its record says."""
    rows = np.arange(len(films.records))
    if plant is not None and plant.deduplicated:
        return rows
    return np.repeat(rows, [record.get("copies", 1) for record in films.records])


def planted_rows(films: Films) -> list[int]:
    """Rows of the planted films."""
    return [row for row, record in enumerate(films.records) if record.get("copies", 1) > 1]


def listed(recipe: TrainingRecipe, films: Films) -> list[dict[str, Any]]:
    """The planted films and, as their contrast, unrepeated ones of other patients: image_id, caption, copies.

    Raises:
        InputError: for a recipe that plants nothing.
    """
    if recipe.plant is None:
        raise InputError("This recipe plants no films; nothing was listed; choose one that does.")
    planted = planted_rows(films)
    captions = [str(record["caption"]) for record in films.records]
    patients = [record["patient_id"] for record in films.records]
    taken = {patients[row] for row in planted}
    # Real films share a few captions; those of a phantom are its own and ask for that film alone.
    own = list(range(len(patients))) if recipe.dataset else first_of_own(captions, captions, patients)
    once = [row for row in own if patients[row] not in taken and "image_id" in films.records[row]]
    records = [films.records[row] for row in (*planted, *once[: recipe.plant.contrast])]
    return [{key: record[key] for key in ("image_id", "caption", "copies")} for record in records]


def members(films: Films) -> list[str]:
    """Image ids of all training films of a recipe that plants, sorted: who the members are, for an attack to tell."""
    return sorted(str(record["image_id"]) for record in films.records if "image_id" in record)


def _caption(recipe: TrainingRecipe, job: Job) -> str:
    """The caption of a film that need not be rendered for it."""
    from lab.data.phantoms import PhantomRecipe
    from lab.data.phantoms.anatomy import draw_anatomy, stream
    from lab.data.phantoms.render import record_of, taken

    address = PhantomRecipe(recipe.seed, job.patient, job.film)
    position, findings = taken(address, None)
    person = draw_anatomy(stream(recipe.seed, "anatomy", job.patient))
    return str(record_of(address, person, position, findings)["caption"])
