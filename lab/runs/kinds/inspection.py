"""What can be seen of each sample at once, without training images: blank, repeated, odd levels, like its siblings."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.data.samples import SampleSetCard
    from lab.inspection.duplicates import Known, Repeat
    from lab.inspection.siblings import Siblings

STAGE = "Checking the samples"
# So many earlier samples of a generator are compared with: 4 MB of fingerprints, and a second the first time.
EARLIER = 1024


def inspected(ctx: RunContext, images: ImageSet, result: dict[str, Any]) -> Generator[Progress, None, None]:
    """Add "checks" and "mask_agreement" to each sample of `result`, and to the result what all siblings share.

    Args:
        images: the samples, in the order of `result["samples"]`.
        result: with "generator", "samples" and each sample's "recipe".
    """
    from lab.inspection.blank import blank_reason
    from lab.inspection.duplicates import known, repeats_of
    from lab.inspection.levels import levels_of
    from lab.inspection.siblings import siblings_of

    samples, names = result["samples"], images.ids()
    yield ctx.progress(STAGE, 0, len(samples))
    pixels = [images.image(name) for name in names]
    own = [
        known(name, "", digest, image, sample["recipe"])
        for name, digest, image, sample in zip(names, images.digests(), pixels, samples, strict=True)
    ]
    before = earlier(ctx, result["generator"], images.id)
    family = siblings_of(pixels)
    masks = _mask_agreements(result, pixels)
    for row, repeat in enumerate(repeats_of(own, before)):
        samples[row]["checks"] = {
            "blank": blank_reason(pixels[row]),
            "levels": levels_of(pixels[row]).to_json(),
            "repeat": _repeat(repeat, len(before)),
            "siblings": _sibling(family, row, names),
        }
        samples[row]["mask_agreement"] = masks[row]
    result["siblings"] = family.to_json()
    yield ctx.progress(STAGE, len(samples), len(samples))


def earlier(ctx: RunContext, generator: str, own: str) -> list[Known]:
    """The latest samples of the same generator in other sets, with their fingerprints, at most 1,024."""
    from lab.data.samples import list_sample_sets
    from lab.errors import LabError

    found: list[Known] = []
    for card in list_sample_sets():
        if len(found) >= EARLIER:
            break
        if card.origin == generator and card.id != own:
            try:
                found += ctx.resident(f"prints:{card.id}:{card.digest}", partial(_prints, card))
            except LabError:  # a set that was damaged or removed meanwhile is not compared with
                continue
    return found[:EARLIER]


def _prints(card: SampleSetCard) -> list[Known]:
    from lab.data.samples import open_sample_set
    from lab.inspection.duplicates import known

    images = open_sample_set(card.id)

    return [
        known(name, card.id, digest, images.image(name), images.recipe(name), partial(images.image, name))
        for name, digest in zip(images.ids(), images.digests(), strict=True)
    ]


def _repeat(repeat: Repeat | None, compared: int) -> dict[str, Any]:
    """The sample it repeats, or nothing; and how many earlier ones it was compared with."""
    return {"found": None if repeat is None else repeat.to_json(), "earlier": compared}


def _sibling(family: Siblings, row: int, names: list[str]) -> dict[str, Any] | None:
    told = family.of(row)
    if told is None:
        return None
    mean, nearest, closest = told
    return {"mean": round(mean, 4), "nearest": names[nearest], "closest": round(closest, 4)}


def _mask_agreements(result: dict[str, Any], pixels: list[NDArray[Any]]) -> list[dict[str, Any] | None]:
    """How far each sample keeps to the mask it was asked for; None without a mask or a segmenter."""
    from lab.errors import LabError
    from lab.generators.cards import get_card
    from lab.generators.condition import condition_from_json
    from lab.generators.mask_agreement import mask_agreement

    found: list[dict[str, Any] | None] = [None] * len(pixels)
    asked: dict[bytes, list[int]] = {}
    for row, sample in enumerate(result["samples"]):
        if mask := condition_from_json(sample["recipe"].get("condition")).mask:
            asked.setdefault(mask, []).append(row)
    if not asked:
        return found
    card = get_card(result["generator"])
    for mask, rows in asked.items():
        try:
            told = mask_agreement([pixels[row] for row in rows], mask, card.structures, card.training_dataset)
        except LabError as error:  # a damaged segmenter costs its own reading and nothing else of the answer
            result["mask_note"] = str(error)
            continue
        for row, one in zip(rows, told or [], strict=False):
            found[row] = one
    return found
