"""Training a segmenter on a dataset with masks, in the niced side process; stopped, it goes on where it stood."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Sequence
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

    from lab.data.dataset import DatasetSubset
    from lab.segmentation.card import SegmenterCard
    from lab.segmentation.segmenter import Segmenter
    from lab.segmentation.training import Recipe

READING, LEARNING, JUDGING = "Reading images and masks", "Learning", "Judging on other patients"
MOST_STRUCTURES, MOST_JUDGED, FEWEST = 12, 300, 8

_CODE = ("lab.segmentation", "lab.generators.training.small_network")


@run_kind("train_segmenter", lane="side", modules=_CODE, title="Train a segmenter")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Read, learn, judge, and write the segmenter into the workspace."""
    from lab.data.store import open_dataset
    from lab.device import limit_threads
    from lab.provenance import digest_json
    from lab.segmentation.card import own_folder
    from lab.segmentation.segmenter import open_segmenter, write_segmenter
    from lab.segmentation.training import Recipe

    chosen = spec.settings
    limit_threads()
    dataset = open_dataset(chosen["dataset"])
    place = (
        ctx.settings.workspace
        / "training"
        / f"segmenter-{digest_json([chosen, spec.inputs['dataset']])[:24]}"
    )
    place.mkdir(parents=True, exist_ok=True)
    pairs = yield from _read(ctx, dataset.subset("train"), chosen["size"])
    recipe = Recipe(1 + len(pairs.values), chosen["size"], chosen["steps"], seed=chosen["seed"])
    began = time.monotonic()
    network = yield from _learned(ctx, recipe, pairs, place)
    card = _card(dataset.card, recipe, pairs, time.monotonic() - began)
    write_segmenter(place / "network", card, network)
    judge = open_segmenter(place / "network")  # as it will be read: in half precision
    overlap, judged = yield from _judged(ctx, judge, [dataset.subset(name) for name in ("held-out", "test")])
    training = {**card.training, "judged_images": judged}
    told = type(card)(**{**card.__dict__, "overlap": overlap, "training": training})
    write_segmenter(own_folder(card.dataset), told, network)
    shutil.rmtree(place, ignore_errors=True)
    return {"dataset": card.dataset, "card": told.to_json()}


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Images and class numbers (n, size, size) uint8 of the training patients, mask value of each class."""

    films: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    values: tuple[int, ...]
    patients: int


def _read(ctx: RunContext, images: DatasetSubset, size: int) -> Generator[Progress, None, _Pairs]:
    import numpy as np

    from lab.metrics.mask_shapes import at_side
    from lab.segmentation.segmenter import as_seen

    films, masks, patients = [], [], set()
    ids, people = images.ids(), images.patients()
    for done, (name, patient) in enumerate(zip(ids, people, strict=True)):
        mask = images.dataset.mask(name)
        if mask is not None and mask.ndim == 2:
            films.append(as_seen(images.image(name), size))
            masks.append(at_side(mask, size, size))
            patients.add(patient)
        if done % 32 == 0:
            yield ctx.progress(READING, done, len(ids))
    values = tuple(int(v) for v in np.unique(np.asarray(masks)) if v) if masks else ()
    if len(films) < FEWEST or not 0 < len(values) <= MOST_STRUCTURES or max(values) > 255:
        raise InputError(
            f"A segmenter needs {FEWEST} training images with masks of 1 to {MOST_STRUCTURES} structures; nothing was"
            " trained; choose a dataset with masks."
        )
    classes = np.searchsorted(np.asarray([0, *values]), np.asarray(masks)).astype(np.uint8)
    return _Pairs(np.asarray(films), classes, values, len(patients))


def _learned(ctx: RunContext, recipe: Recipe, pairs: _Pairs, place: Path) -> Generator[Progress, None, Any]:
    from contextlib import closing

    from lab.segmentation.training import learn

    with closing(learn(recipe, pairs.films, pairs.masks, place)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            yield ctx.progress(LEARNING, step.done, step.total, message=f"loss {step.loss:.3f}")


def _judged(
    ctx: RunContext, segmenter: Segmenter, sets: Sequence[DatasetSubset]
) -> Generator[Progress, None, tuple[dict[str, float], int]]:
    """Mean Dice by structure on at most 300 images of patients that did not teach, where either shows the structure."""
    import numpy as np

    from lab.data.imageset import patient_balanced
    from lab.metrics.mask_shapes import dice

    scores: dict[str, list[float]] = {}
    judged = 0
    for images in sets:
        for name in patient_balanced(images, MOST_JUDGED // 2, 0):
            mask = images.dataset.mask(name)
            if mask is None or mask.ndim != 2:
                continue
            found = segmenter.segment([images.image(name)])[0]
            judged += 1
            for value, title in zip(segmenter.card.values, segmenter.card.names, strict=True):
                asked, answer = mask == value, found == value
                if asked.any() or answer.any():
                    scores.setdefault(title, []).append(dice(asked, answer))
            if judged % 16 == 0:
                yield ctx.progress(JUDGING, judged, MOST_JUDGED)
    return {title: round(float(np.mean(found)), 4) for title, found in scores.items()}, judged


def _card(data: Any, recipe: Recipe, pairs: _Pairs, seconds: float) -> SegmenterCard:
    from lab.segmentation.card import SegmenterCard
    from lab.segmentation.structures import structure_names

    known = structure_names(data)
    names = tuple(known.get(value, f"structure {value}") for value in pairs.values)
    training = {
        "steps": recipe.steps,
        "seconds": round(seconds),
        "images": len(pairs.films),
        "patients": pairs.patients,
    }
    notes = "Trained on training patients of this dataset; judged on held-out and test patients it has never seen."
    if data.tag == "PHANTOM":
        notes += " Trained on phantoms only; no patient data."
    return SegmenterCard(
        data.id, recipe.size, recipe.widths, pairs.values, names, "trained here", data.licence, {}, training,
        f"{notes} Research use, not for diagnosis.",
    )  # fmt: skip
