"""A new dataset made of an existing one by a recipe: the same patients, splits and labels, other pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.data.dataset import Dataset
from lab.data.importing.importer import ImportReport, add_plan
from lab.data.importing.new_card import About
from lab.data.intake.contract import OF_PIXELS
from lab.data.manifest import COLUMNS
from lab.data.sources.contract import ImportPlan, PlannedImage
from lab.data.store import open_dataset

if TYPE_CHECKING:
    from lab.data.preprocess.recipe import Recipe

FIELDS = (
    "patient_id", "split", "label", "labels", "caption", "view", "sex", "age", "vendor", "licence",
)  # fmt: skip
_EVERY = 50


def derived_from(
    parent: str,
    id: str,
    recipe: Recipe,
    report: Callable[..., None] | None = None,
    *,
    seed: int = 0,
    key: str = "",
) -> ImportReport:
    """Make the dataset `id` of the dataset `parent`.

    Args:
        parent: id of an installed dataset.
        id: of the new one.
        recipe: with at least one step.
        report: called with (stage, done, total) and (done, total).
        seed: of the recipe.
        key: digest of the run, see `lab.data.importing.staging.staging_folder`.

    Raises:
        NotFoundError: when there is no such dataset.
        DatasetError: when the id is taken.
    """
    dataset = open_dataset(parent)
    card = dataset.card
    plan = plan_of(dataset, report)
    about = About(
        title=f"{card.title}, {recipe.title or 'preprocessed'}",
        modality=card.modality,
        attribution=card.attribution,
        origin=card.origin,
        parent=parent,
    )
    return add_plan(plan, id, about, on_progress=report, recipe=recipe, seed=seed, key=key)


def plan_of(dataset: Dataset, report: Callable[..., None] | None = None) -> ImportPlan:
    """A plan that takes every image of a dataset in again; a phantom film that is not there is rendered."""
    table = dataset.manifest
    extra = [str(name) for name in table.columns if name not in {*COLUMNS, *OF_PIXELS}]
    images = []
    for number, row in enumerate(table.to_dict("records")):
        if report is not None and number % _EVERY == 0:
            report("Collecting images", number, len(table))
        image_id = str(row["image_id"])
        mask = dataset.folder / str(row["mask"]) if row["mask"] else None
        images.append(
            PlannedImage(
                dataset.image_bytes_path(image_id),
                image_id,
                {name: str(row[name]) for name in FIELDS},
                {name: str(row[name]) for name in extra},
                mask,
            )
        )
    card = dataset.card
    labels = {int(value): name for value, name in card.mask_labels.items()}
    note = f"Made of the dataset {card.id}, with its patients, divisions and labels."
    return ImportPlan(
        dataset.folder, None, (), {}, {}, (), tuple(images), (), (), True, (note,), "", "dataset",
        card.modality, "", card.attribution, labels,
    )  # fmt: skip
