"""An embedding in which an image and a turned copy of it lie together, for the detection of copies."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.kinds.providers.re_id import embedded_sides, resident_model
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Says how to train an embedding where there is none for the dataset."""
    from lab.identification.card import why_absent
    from lab.runs.dependencies import dataset_name

    return why_absent(dataset_name(real), "copy")


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Space "copy" of all three sides, rows of unit length."""
    model = resident_model(ctx, sets.reference, "copy")
    space = yield from embedded_sides(ctx, model, sets, "Looking for copies")
    return {"spaces": {"copy": space}}
