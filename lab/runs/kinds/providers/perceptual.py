"""LPIPS of two pictures, where its weights lie on this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

LARGEST = 512


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why LPIPS cannot be measured here."""
    from lab.neighbours.perceptual import why_not

    return why_not()


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """The distance as a function; the weights are read at the first pair."""
    yield ctx.progress("Opening the perceptual network", 0, 1)
    return {"perceptual": native_distance()}


def native_distance() -> Callable[[NDArray[Any], NDArray[Any]], float]:
    """LPIPS of two pictures at their own size, at most 512 pixels: the smallest side of the two, as squares.

    The network of near-copies looks at 64 pixels, the size of the patches its heads were fitted on; published figures
    are taken at the pictures' own size.
    """
    from lab.neighbours.perceptual import RECORD, Perceptual

    networks: dict[int, Perceptual] = {}

    def distance(first: NDArray[Any], second: NDArray[Any]) -> float:
        side = min(LARGEST, *first.shape[:2], *second.shape[:2])
        if side not in networks:
            networks[side] = Perceptual(replace(RECORD, input_size=side))
        return float(networks[side].distances(first, [second])[0])

    return distance
