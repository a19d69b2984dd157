"""Samples that repeat another one: of the same run, or an earlier one of the same generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.inspection.planes import fingerprint
from lab.inspection.siblings import plane_of, similarity

# Films of different patients correlate at 0.946 at most at 32 x 32 pixels, and resemble each other at 0.81 at most
# (0.965 at 28 pixels, where few scales are left): closest pairs of the same 1,668 films. Both have to be exceeded.
LEAST_CORRELATION = 0.97
LEAST_SIMILARITY = 0.95
EQUAL, NEARLY, SAME_RECIPE = "equal", "nearly equal", "same recipe"
# What a recipe says about where it was made and not about what was asked.
_ABOUT = ("device", "threads", "versions", "micro_batch", "placement")


@dataclass(frozen=True)
class Known:
    """A sample to compare with.

    Attributes:
        name: image id.
        place: id of its sample set; "" for the run's own.
        digest: of its pixels.
        print: its fingerprint, (1024,) float32.
        recipe: what it was asked for.
        image: reads its pixels, called for candidates alone.
    """

    name: str
    place: str
    digest: str
    print: NDArray[np.float32]
    recipe: Mapping[str, Any]
    image: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class Repeat:
    """A sample that repeats another.

    Attributes:
        of, place: the other's image id and sample set ("" for the same run).
        how: "equal", "nearly equal", or "same recipe" where equal pixels were asked for.
        similarity: multi-scale similarity, 1 for equal pixels.
    """

    of: str
    place: str
    how: str
    similarity: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"of": self.of, "set": self.place, "how": self.how, "similarity": round(self.similarity, 4)}


def known(
    name: str, place: str, digest: str, image: NDArray[Any], recipe: Mapping[str, Any],
    read: Callable[[], NDArray[Any]] | None = None,
) -> Known:  # fmt: skip
    """A sample with its fingerprint; `read` gives its pixels later, so that they need not be kept."""
    return Known(name, place, digest, fingerprint(image), recipe, read or (lambda: image))


def repeats_of(samples: Sequence[Known], earlier: Sequence[Known]) -> list[Repeat | None]:
    """For each sample the one it repeats: of those before it in the run, or earlier ones; None where it is new."""
    found: list[Repeat | None] = []
    for index, one in enumerate(samples):
        others = [*samples[:index], *earlier]
        found.append(_repeat(one, others) if others else None)
    return found


def _repeat(one: Known, others: Sequence[Known]) -> Repeat | None:
    equal = [other for other in others if other.digest == one.digest]
    if equal:
        # A run that was asked for the same again is no sign of a generator that repeats itself.
        other = next((other for other in equal if not _same_recipe(one, other)), equal[0])
        return Repeat(other.name, other.place, SAME_RECIPE if _same_recipe(one, other) else EQUAL, 1.0)
    alike = np.stack([other.print for other in others]) @ one.print
    candidates = np.flatnonzero(alike >= LEAST_CORRELATION)
    mine = plane_of(one.image()) if len(candidates) else None
    best: Repeat | None = None
    for row in candidates[np.argsort(-alike[candidates], kind="stable")][:5]:
        other = others[int(row)]
        value = similarity(mine, plane_of(other.image())) if mine is not None else None
        if value is not None and value >= max(LEAST_SIMILARITY, best.similarity if best else 0.0):
            best = Repeat(other.name, other.place, SAME_RECIPE if _same_recipe(one, other) else NEARLY, value)
    return best


def _same_recipe(one: Known, other: Known) -> bool:
    return bool(one.recipe) and _asked(one.recipe) == _asked(other.recipe)


def _asked(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in _ABOUT}
