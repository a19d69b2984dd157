"""Training a Re-ID network or a copy embedding on a dataset, in the niced side process.

Checkpoints lie beside the other trainings under a name made of dataset and recipe, so a training that was stopped, in
this run or in another that asks the same, goes on where it stood.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import InputError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.identification.models import IdentityModel
    from lab.identification.training import Recipe

READING, LEARNING, JUDGING = "Reading the images", "Learning", "Judging on other patients"
MINIMUM_PATIENTS = 4

_CODE = ("lab.auroc", "lab.identification", "lab.generators.training.small_network")


@run_kind(
    "train_identity", lane="side", modules=_CODE, title="Train a Re-ID network or copy embedding"
)  # fmt: skip
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Read, learn, judge, and write the network into the workspace."""
    from lab.device import limit_threads
    from lab.identification.card import own_folder
    from lab.identification.models import open_model, write_model

    chosen = spec.settings
    limit_threads()
    recipe = _recipe(chosen)
    place = ctx.settings.workspace / "training" / f"identity-{spec_name(spec)}"
    place.mkdir(parents=True, exist_ok=True)
    films = yield from _films(ctx, chosen["dataset"], recipe, place)
    began = time.monotonic()
    network = yield from _learned(ctx, recipe, films, place)
    seconds = time.monotonic() - began
    folder = own_folder(chosen["dataset"], recipe.shape.question)
    unjudged = _card(chosen["dataset"], recipe, films, seconds, {})
    write_model(place / "network", unjudged, network)
    yield ctx.progress(JUDGING, 0, 1)
    told = _judged(open_model(place / "network"), films, recipe)  # as it will be read: in half precision
    card = _card(chosen["dataset"], recipe, films, seconds, told)
    write_model(folder, card, network)
    shutil.rmtree(place, ignore_errors=True)
    yield ctx.progress(JUDGING, 1, 1)
    return {"dataset": card.dataset, "question": card.question, "card": card.to_json()}


def spec_name(spec: RunSpec) -> str:
    """Name of the folder of checkpoints: dataset, its content and the recipe decide it, nothing else."""
    from lab.provenance import digest_json

    asked = {key: value for key, value in spec.settings.items() if key != "threads"}
    return digest_json([asked, spec.inputs["dataset"]])[:24]


@dataclass(frozen=True, eq=False)
class _Films:
    """Pictures and patients of the images that teach, of those that choose the threshold and of those that judge."""

    learn: NDArray[np.uint8]
    learn_patients: NDArray[np.str_]
    choose: NDArray[np.uint8]
    choose_patients: NDArray[np.str_]
    judge: NDArray[np.uint8]
    judge_patients: NDArray[np.str_]


def _recipe(chosen: dict[str, Any]) -> Recipe:
    from lab.data.store import open_dataset
    from lab.identification.changes import may_mirror
    from lab.identification.network import Shape
    from lab.identification.training import recipe_for

    shape = Shape(chosen["question"], chosen["size"], tuple(chosen["widths"]))
    flips = may_mirror(open_dataset(chosen["dataset"]).card.modality)
    return recipe_for(shape, chosen["steps"], chosen["seed"], flips)


def _films(ctx: RunContext, dataset: str, recipe: Recipe, place: Path) -> Generator[Progress, None, _Films]:
    import numpy as np

    from lab.data.resolve import resolve
    from lab.identification.films import PLACE, read_films
    from lab.identification.pairs import divide, several

    images = resolve(dataset, whole=True)
    patients = images.patients()
    divided = divide(list(patients), [str(split) for split in images.frame()["split"]])
    if recipe.shape.question == "patient" and len(several(patients[divided.learn])) < MINIMUM_PATIENTS:
        raise InputError(
            f"A Re-ID network learns from patients with two images or more, and fewer than {MINIMUM_PATIENTS} training"
            " patients have them; nothing was trained; choose another dataset, or import it with its patient ids."
        )
    if not len(divided.learn):
        raise InputError("The dataset has no training images; nothing was trained; choose another.")
    sides: list[Any] = []
    for rows in (divided.learn, divided.choose, divided.judge):
        steps = read_films(images, [int(row) for row in rows], recipe.shape.size, place / PLACE)
        sides += [(yield from _told(ctx, READING, steps)), np.asarray(patients[rows])]
    return _Films(*sides)


def _told(
    ctx: RunContext, stage: str, steps: Generator[tuple[int, int], None, Any]
) -> Generator[Progress, None, Any]:
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            return end.value
        yield ctx.progress(stage, done, total)


def _learned(ctx: RunContext, recipe: Recipe, films: _Films, place: Path) -> Generator[Progress, None, Any]:
    from contextlib import closing

    from lab.identification.training import learn

    with closing(learn(recipe, films.learn, films.learn_patients, place)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            yield ctx.progress(LEARNING, step.done, step.total, message=f"loss {step.loss:.3f}")


def _judged(model: IdentityModel, films: _Films, recipe: Recipe) -> dict[str, Any]:
    """Verification on patients that did not teach; for copies, images beside turned copies of themselves."""
    import numpy as np

    from lab.identification.changes import turned
    from lab.identification.models import judged

    if not len(films.judge):
        return {}
    if recipe.shape.question == "patient":
        chosen = judged(model, model.embed(list(films.choose)), films.choose_patients, recipe.seed)
        limit = None if chosen is None else chosen.threshold
        found = judged(model, model.embed(list(films.judge)), films.judge_patients, recipe.seed, limit)
    else:
        rows = np.concatenate(
            [
                model.embed(list(films.judge)),
                model.embed(list(turned(films.judge, recipe.flips, recipe.seed + 1))),
            ]
        )
        names = np.array([f"image-{row:08d}" for row in range(len(films.judge))] * 2)
        found = judged(model, rows, names, recipe.seed)
    return {} if found is None else found.to_json()


def _card(dataset: str, recipe: Recipe, films: _Films, seconds: float, told: dict[str, Any]) -> Any:
    from lab.data.store import open_dataset
    from lab.identification.card import IdentityCard

    shape, data = recipe.shape, open_dataset(dataset).card
    training = {
        "steps": recipe.steps,
        "seconds": round(seconds),
        "images": len(films.learn),
        "patients": len(set(films.learn_patients)),
        "judged_images": len(films.judge),
        "flips": recipe.flips,
    }
    notes = "Trained on training patients of this dataset; judged on held-out and test patients it has never seen."
    if data.tag == "PHANTOM":
        notes += " Trained on phantoms only; no patient data."
    return IdentityCard(
        dataset, shape.question, shape.size, shape.widths, shape.trunk, "trained here", data.licence, told, training,
        f"{notes} Research use, not for diagnosis.",
    )  # fmt: skip
