"""Masks of all sides: the dataset's, those a sample was asked for, and what a segmenter finds in the images."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.kinds.providers.told_masks import told_masks
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.metrics.pictures import Pictures
    from lab.segmentation.segmenter import Segmenter

NO_MASKS = "the training images have no masks; choose a dataset with masks."
NOTHING_TO_JUDGE = "the samples have no masks of their own, and {}"
BATCH = 16
Read = Callable[[str], "NDArray[Any] | None"]


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why there are no masks: tables and cards alone are read."""
    from lab.data.resolve import resolve
    from lab.segmentation.card import why_absent

    frame = resolve(real).frame()
    if "mask" not in frame.columns or not (frame["mask"].astype(str) != "").any():
        return NO_MASKS
    reason = why_absent(real.partition(":")[0])
    return (
        NOTHING_TO_JUDGE.format(reason[0].lower() + reason[1:]) if reason and not _has_own(synthetic) else ""
    )


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Masks by side, and the segmenter's answers where there is a segmenter of the training dataset."""
    from lab.metrics.pictures import Pictures
    from lab.segmentation.card import folder_of
    from lab.segmentation.segmenter import open_segmenter

    name = sets.reference.partition(":")[0]
    found: dict[str, Any] = {"structures": _structures(name)}
    for side, images in (("real", sets.real), ("synthetic", sets.synthetic), ("held_out", sets.held_out)):
        if images is not None:
            read = mask_reader(images, name)
            found[f"{side}_masks"] = None if read is None else Pictures(tuple(images.ids()), read)
    folder = folder_of(name)
    if folder is None:
        return found
    segmenter = open_segmenter(folder)
    found["synthetic_segmented"] = yield from _segmented(ctx, segmenter, sets.synthetic, "samples")
    if sets.held_out is not None:
        found["held_out_segmented"] = yield from _segmented(ctx, segmenter, sets.held_out, "held-out images")
    found["real_segmented"] = Pictures(
        tuple(sets.real.ids()), lambda image: segmenter.segment([sets.real.image(image)])[0]
    )
    return found


def mask_reader(images: ImageSet, training: str) -> Read | None:
    """What reads the mask of an image of a set; None where the set has none.

    A dataset has masks of its own; a sample holds in its recipe the mask it was asked for, or names, under "mask", the
    image of the training dataset whose mask that was; a folder has them in a folder called "masks" beside the images,
    under equal names.
    """
    from lab.data.dataset import DatasetSubset, read_image
    from lab.data.store import open_dataset

    if not _has_own(images):
        return None
    if isinstance(images, DatasetSubset):
        return images.dataset.mask
    if told := told_masks(images):
        return lambda image: told[image](training) if image in told else None
    asked = _asked(images)
    if asked:
        dataset = open_dataset(training)
        return lambda image: dataset.mask(asked[image]) if image in asked else None
    files = _beside(images)
    return lambda image: read_image(files[image]) if image in files else None


def _has_own(images: ImageSet) -> bool:
    frame = images.frame()
    if "mask" in frame.columns and (frame["mask"].astype(str) != "").any():
        return True
    return bool(told_masks(images) or _asked(images) or _beside(images))


def _asked(images: ImageSet) -> dict[str, str]:
    """Sample to the training image whose mask it was asked for, from the recipes."""
    from lab.data.samples import parse_recipe

    frame = images.frame()
    if "recipe" not in frame.columns:
        return {}
    told: dict[str, str] = {}
    for name, text in zip(frame["image_id"].astype(str), frame["recipe"].astype(str), strict=True):
        recipe: Mapping[str, Any] = (parse_recipe(text) if '"mask"' in text else None) or {}
        if isinstance(recipe.get("mask"), str) and recipe["mask"]:
            told[name] = recipe["mask"]
    return told


def _beside(images: ImageSet) -> dict[str, Path]:
    """Files of masks beside the images of a folder: masks/NAME for images/NAME or NAME."""
    from lab.data.folder_set import FolderSet

    if not isinstance(images, FolderSet):
        return {}
    found = {}
    for name in images.ids():
        path = images.image_bytes_path(name)
        root = path.parent.parent if path.parent.name == "images" else path.parent
        mask = root / "masks" / f"{path.stem}.png"
        if mask.is_file():
            found[name] = mask
    return found


def _structures(dataset: str) -> dict[int, str]:
    from lab.data.store import open_dataset
    from lab.segmentation.structures import structure_names

    return structure_names(open_dataset(dataset).card)


def _segmented(
    ctx: RunContext, segmenter: Segmenter, images: ImageSet, what: str
) -> Generator[Progress, None, Pictures]:
    """Answers of the segmenter, kept as one part of the run."""
    import numpy as np

    from lab.metrics.pictures import Pictures

    ids, key = images.ids(), f"segmented-{segmenter.digest[:16]}-{images.digest[:16]}"
    kept = ctx.part(key)
    found: dict[str, NDArray[Any]] = {}
    if kept is not None:
        with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    for start in range(0, len(ids) if kept is None else 0, BATCH):
        part = ids[start : start + BATCH]
        found |= zip(part, segmenter.segment([images.image(name) for name in part]), strict=True)
        yield ctx.progress(f"Segmenting {what}", start + len(part), len(ids))
    if kept is None:
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **found)
        ctx.save_part(key, stream.getvalue())
    return Pictures(tuple(ids), found.get)
