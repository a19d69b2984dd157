"""How far the anatomy of a sample keeps to the mask that it was asked for, as a segmenter of its dataset sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.condition import decode_mask
from lab.generators.mask_channels import Labels, at_size

if TYPE_CHECKING:
    from lab.segmentation.segmenter import Segmenter


def mask_agreement(
    images: Sequence[NDArray[Any]], mask: bytes, structures: Sequence[str], dataset: str | None
) -> list[dict[str, Any]] | None:
    """Dice of what a segmenter finds in each sample with the input mask.

    Args:
        images: (H, W) or (H, W, 3) samples.
        mask: PNG bytes of structure numbers.
        structures: names of the numbers 1, 2, ... of the mask.
        dataset: whose segmenter judges, usually the generator's training dataset.

    Returns:
        One record a sample: "dice" by structure name, None where neither has the structure; "mean" over the
        structures that the mask has; "segmenter" its digest. None where no segmenter of the dataset is here.

    Raises:
        ImageError: when the mask cannot be read.
        WeightsError: when the segmenter is damaged.
    """
    from lab.segmentation.card import folder_of
    from lab.segmentation.segmenter import open_segmenter

    folder = folder_of(dataset) if dataset else None
    if folder is None or not mask:
        return None
    return judged(open_segmenter(folder), images, mask, structures)


def judged(
    segmenter: Segmenter, images: Sequence[NDArray[Any]], mask: bytes, structures: Sequence[str]
) -> list[dict[str, Any]]:
    """As `mask_agreement`, by an opened segmenter.

    Raises:
        ImageError: when the mask cannot be read.
    """
    # A structure is known by its name: a segmenter may number it otherwise than the generator does.
    numbers = dict(zip(segmenter.card.names, segmenter.card.values, strict=True))
    asked = decode_mask(mask)
    return [
        {
            **agreement(at_size(asked, image.shape[0]), found, structures, numbers),
            "segmenter": segmenter.digest,
        }
        for image, found in zip(images, segmenter.segment(images), strict=True)
    ]


def agreement(
    asked: Labels, found: Labels, structures: Sequence[str], numbers: dict[str, int] | None = None
) -> dict[str, Any]:
    """Dice by structure and its mean over the structures that were asked for.

    Args:
        asked, found: (H, W) structure numbers.
        structures: names of 1, 2, ... in `asked`.
        numbers: structure name to its number in `found`; None where they are those of `asked`.
    """
    dice: dict[str, float | None] = {}
    asked_for = []
    for number, name in enumerate(structures, 1):
        theirs = number if numbers is None else numbers.get(name)
        if theirs is None:
            continue
        one, two = asked == number, found == theirs
        both = int(one.sum()) + int(two.sum())
        value = 2.0 * int((one & two).sum()) / both if both else None
        dice[name] = None if value is None else round(value, 4)
        if one.any() and value is not None:
            asked_for.append(value)
    return {"dice": dice, "mean": round(float(np.mean(asked_for)), 4) if asked_for else None}
