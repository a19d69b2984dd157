"""The masks that samples were asked for, as their recipes hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.errors import LabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet


def told_masks(images: ImageSet) -> dict[str, Callable[[str], Any]]:
    """Sample to what reads its mask in the numbers of a dataset, for the samples that were asked for one."""
    from lab.data.samples import parse_recipe

    frame = images.frame()
    if "recipe" not in frame.columns:
        return {}
    found: dict[str, Callable[[str], Any]] = {}
    for name, text in zip(frame["image_id"].astype(str), frame["recipe"].astype(str), strict=True):
        recipe = (parse_recipe(text) if '"condition"' in text and '"mask"' in text else None) or {}
        condition = recipe.get("condition")
        if isinstance(condition, dict) and isinstance(condition.get("mask"), str) and condition["mask"]:
            found[name] = partial(_read, condition, str(recipe.get("generator") or ""))
    return found


def _read(condition: Mapping[str, Any], generator: str, dataset: str) -> NDArray[np.uint8] | None:
    """The mask of a condition; None where it cannot be read.

    Generator and dataset may number their structures otherwise: both name them, and names are what counts. Where
    either does not, the numbers are taken as they are.
    """
    import numpy as np

    from lab.data.store import open_dataset
    from lab.generators.condition import condition_from_json, decode_mask
    from lab.segmentation.structures import structure_names

    try:
        labels = decode_mask(condition_from_json(condition).mask)
    except LabError:
        return None
    structures = _structures(generator)
    values = {name: value for value, name in structure_names(open_dataset(dataset).card).items()}
    if not structures or not set(structures) <= set(values):
        return labels
    table = np.zeros(256, np.uint8)
    for number, name in enumerate(structures, 1):
        table[number] = values[name]
    return np.asarray(table[labels], np.uint8)


def _structures(generator: str) -> tuple[str, ...]:
    """What a generator calls 1, 2, ... of its masks; () where it is not here any more."""
    from lab.generators.cards import get_card

    try:
        return get_card(generator).structures
    except LabError:
        return ()
