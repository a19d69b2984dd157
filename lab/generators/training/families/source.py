"""Where training pictures come from: phantoms of training patients, or the training split of an installed dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.training.families.recipe import FamilyRecipe
from lab.provenance import digest_json


@dataclass(frozen=True)
class Source:
    """Pictures by number.

    Attributes:
        count: how many there are.
        read: (first, last) to the rows between: images (n, C, size, size) uint8, masks (n, size, size) uint8, and
            labels, vendors and patients as text.
        digest: changes when any picture may.
        modality, structures, phantom: as in `films.About`.
    """

    count: int
    read: Callable[[int, int], dict[str, NDArray[Any]]]
    digest: str
    modality: str
    structures: tuple[str, ...]
    phantom: bool


def source_of(recipe: FamilyRecipe) -> Source:
    """The source of a recipe's pictures.

    Raises:
        DatasetError: when the dataset is not installed.
    """
    from lab.data.phantom_families import CMR, FAMILIES

    if recipe.dataset == CMR.id and recipe.options.get("varied"):
        from lab.generators.training.families.heart_source import hearts

        return hearts(recipe)
    return _phantoms(recipe, FAMILIES[recipe.dataset]) if recipe.dataset in FAMILIES else _installed(recipe)


def small(image: NDArray[Any], recipe: FamilyRecipe) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) uint8 to (C, size, size) uint8: the central square, averaged over the area."""
    from PIL import Image

    picture = Image.fromarray(_central(image, recipe.crop)).convert("L" if recipe.colour == "grey" else "RGB")
    pixels = np.asarray(picture.resize((recipe.size, recipe.size), Image.Resampling.BOX))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def small_mask(mask: NDArray[np.uint8], recipe: FamilyRecipe) -> NDArray[np.uint8]:
    """(H, W) structure numbers to (size, size): of each pixel, the structure that covers most of it."""
    from PIL import Image

    square = _central(mask, recipe.crop)
    shares = []
    for number in range(int(mask.max(initial=0)) + 1):
        layer = Image.fromarray((square == number).astype(np.float32))
        shares.append(np.asarray(layer.resize((recipe.size, recipe.size), Image.Resampling.BOX)))
    return np.argmax(np.stack(shares), axis=0).astype(np.uint8)


def _central(image: NDArray[Any], crop: float) -> NDArray[Any]:
    side = max(1, round(min(image.shape[:2]) * crop))
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _phantoms(recipe: FamilyRecipe, family: Any) -> Source:
    from lab.data.phantom_dataset import phantom_split

    patients, films = recipe.patients or family.patients, recipe.films or family.films
    numbers = [
        number
        for number in range(patients)
        if phantom_split(f"{family.prefix}-{recipe.seed}-{number:05d}") == "train"
    ]
    # A patient's films one after the other: the renderer keeps the body it drew last.
    jobs = [(number, film) for number in numbers for film in range(films)]

    def read(first: int, last: int) -> dict[str, NDArray[Any]]:
        made = [family.render(recipe.seed, *job) for job in jobs[first:last]]
        records: list[Mapping[str, str]] = [picture.record for picture in made]
        return rows_of(recipe, [p.image for p in made], [p.mask for p in made], records)

    asked = [recipe.seed, patients, films, recipe.size, recipe.crop, recipe.colour]
    structures = tuple(family.mask_labels[k] for k in sorted(family.mask_labels))
    return Source(
        len(jobs), read, digest_json([family.digest, asked]), family.modality, structures, phantom=True
    )


def _installed(recipe: FamilyRecipe) -> Source:
    from lab.data.store import open_dataset
    from lab.errors import DatasetError, NotFoundError

    try:
        dataset = open_dataset(recipe.dataset)
    except NotFoundError as error:
        raise DatasetError(
            f"The pictures of the dataset {recipe.dataset} are not installed; nothing was trained; "
            "import them first: python -m lab dataset add FOLDER --id " + recipe.dataset
        ) from error
    frame = dataset.manifest
    rows: list[Any] = frame[frame["split"] == "train"].to_dict("records")

    def read(first: int, last: int) -> dict[str, NDArray[Any]]:
        chosen = rows[first:last]
        images = [dataset.image(row["image_id"]) for row in chosen]
        blank = [np.zeros(image.shape[:2], np.uint8) for image in images]
        return rows_of(recipe, [_as_uint8(image) for image in images], blank, chosen)

    asked = [str(dataset.card.digest), recipe.size, recipe.crop, recipe.colour]
    return Source(len(rows), read, digest_json(asked), recipe.modality, (), phantom=False)


def rows_of(
    recipe: FamilyRecipe, images: list[Any], masks: list[Any], records: list[Mapping[str, Any]]
) -> dict[str, NDArray[Any]]:
    """Pictures and masks at the recipe's size, and label, vendor and patient of each from its record."""
    text = {
        column: np.array([str(record.get(name) or "") for record in records])
        for column, name in (("labels", "label"), ("vendors", "vendor"), ("patients", "patient_id"))
    }
    return {
        "images": np.stack([small(image, recipe) for image in images]),
        "masks": np.stack([small_mask(mask, recipe) for mask in masks]),
        **text,
    }


def _as_uint8(image: NDArray[Any]) -> NDArray[np.uint8]:
    from lab.data.pixels import to_grey8

    return image if image.dtype == np.uint8 else to_grey8(image)
