"""Features at several depths of the feature extractors that come with the lab, and of the chosen one."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

# Two depths of one network and the last of a larger one: no vision transformer comes with the lab.
DEPTHS = ("efficientnet-lite0.blocks", "efficientnet-lite0", "efficientnet-lite2")


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """The sentence where the weights of a depth are not on this machine."""
    from lab.errors import WeightsError
    from lab.features.loaded import LoadedExtractor
    from lab.features.records import get_record

    missing = []
    for name in _names(extractor):
        try:
            LoadedExtractor(get_record(name)).digest  # noqa: B018
        except WeightsError:
            missing.append(name)
    if not missing:
        return ""
    return f"The weights of {', '.join(missing)} are not on this machine; add them in the library."


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Spaces "depth:NAME" of all three sides; what is in the feature store already is not extracted again."""
    from lab.metrics.inputs import Space

    found = {}
    for name in _names(sets.extractor.id):
        extractor = resident_extractor(ctx, name)
        sides = []
        for images in (sets.real, sets.synthetic, sets.held_out):
            filled = images is not None and images.ids()
            sides.append(
                (yield from matrix(ctx, extractor, images)) if filled and images is not None else None
            )
        found[f"depth:{name}"] = Space(sides[0], sides[1], sides[2], name)  # type: ignore[arg-type]
    return {"spaces": found}


def depth_digests(extractor: str) -> dict[str, str]:
    """Digest of each depth's record and weights, for the inputs of a run; nothing heavy is loaded."""
    from lab.features.extractors import extractor_digest

    return {f"depth {name}": extractor_digest(name) for name in _names(extractor)}


def _names(extractor: str) -> tuple[str, ...]:
    return DEPTHS if extractor in DEPTHS else (*DEPTHS, extractor)
