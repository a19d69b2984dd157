"""Pixels of the three sides, read on demand."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.metrics.pictures import Pictures


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Every set has pixels."""
    return ""


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """The images of each side; nothing is read before a metric asks."""
    yield ctx.progress("Opening the images", 0, 1)
    control = None if sets.held_out is None else pictures(sets.held_out)
    return {
        "real_pictures": pictures(sets.real),
        "synthetic_pictures": pictures(sets.synthetic),
        "held_out_pictures": control,
    }


def pictures(images: ImageSet) -> Pictures:
    """A set as pictures in its own order."""
    from lab.metrics.pictures import Pictures

    return Pictures(tuple(images.ids()), images.image)
