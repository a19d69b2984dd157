"""What an audit looks at pair by pair: how far masks overlap, and LPIPS where its weights are here."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import pandas as pd

    from lab.data.imageset import ImageSet
    from lab.neighbours.perceptual import Perceptual

# Of a phantom set so many pairs, the closest: its films and masks are rendered when they are first read.
RENDERED = 48
Read = Callable[[str], Any]


def resident_perceptual(ctx: RunContext) -> Perceptual:
    """LPIPS, loaded once in this process."""
    from lab.device import limit_threads
    from lab.neighbours.perceptual import Perceptual

    limit_threads()
    return ctx.resident("lpips", Perceptual)


def look_closer(
    ctx: RunContext, table: pd.DataFrame, images: ImageSet, dataset: str
) -> Generator[Progress, None, dict[str, Any]]:
    """Put the columns `mask_dice` and `lpips` into an audit's table, NaN where a pair was not compared.

    Masks of a sample and of the training film to look at first; LPIPS of a sample and of the film nearest in pixels,
    as published audits do.

    Returns:
        Counts for the run's result: {"masks": {compared, flagged}, "lpips": {compared, flagged, why}}.
    """
    from lab.data.store import open_dataset
    from lab.neighbours.masks import FLAG_ABOVE
    from lab.neighbours.nearest_real import closest_first
    from lab.neighbours.perceptual import FLAG_BELOW, why_not

    table["mask_dice"] = table["lpips"] = float("nan")
    train = open_dataset(dataset)
    rendered = train.card.origin == "phantom"
    rows = closest_first(table).index[: RENDERED if rendered else len(table)].tolist()
    own = _masks_of(images)
    if own is not None and (train.manifest["mask"].astype(str) != "").any():
        for done, row in enumerate(rows, 1):
            one, two = own(str(table.at[row, "image_id"])), train.mask(str(table.at[row, "first"]))
            table.at[row, "mask_dice"] = _dice(one, two)
            yield ctx.progress("Comparing masks", done, len(rows))
    why = why_not()
    if not why:
        yield from _perceptual(ctx, table, rows, images, train)
    dice, lpips = table["mask_dice"], table["lpips"]
    return {
        "masks": {"compared": int(dice.notna().sum()), "flagged": int((dice > FLAG_ABOVE).sum())},
        "lpips": {
            "compared": int(lpips.notna().sum()),
            "flagged": int((lpips < FLAG_BELOW).sum()),
            "why": why,
        },
    }


def _masks_of(images: ImageSet) -> Read | None:
    """How the masks of a set are read; None for a set that can have none, as samples."""
    from lab.data.dataset import DatasetSubset

    if not isinstance(images, DatasetSubset) or not (images.frame()["mask"].astype(str) != "").any():
        return None
    return images.dataset.mask


def _dice(one: Any, two: Any) -> float:
    from lab.neighbours.masks import mask_overlap

    found = None if one is None or two is None else mask_overlap(one, two)
    return float("nan") if found is None else found.dice


def _perceptual(
    ctx: RunContext, table: pd.DataFrame, rows: list[Any], images: ImageSet, train: Any
) -> Generator[Progress, None, None]:
    model = resident_perceptual(ctx)
    for done, row in enumerate(rows, 1):
        image, beside = (
            images.image(str(table.at[row, "image_id"])),
            train.image(str(table.at[row, "pixel_nearest"])),
        )
        table.at[row, "lpips"] = model.distances(image, [beside])[0]
        yield ctx.progress("Comparing pairs by LPIPS", done, len(rows))
