"""What an anatomically plausible mask looks like, learnt from the masks of the training images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lab.metrics.mask_shapes import MaskShape

SHARE = 0.9
WIDER = 0.25
MISSING, UNKNOWN, PIECES, RING, AREA, ROUND = (
    "a structure is missing", "an unknown structure", "a structure in pieces", "a ring is broken",
    "an area never seen", "a shape never seen",
)  # fmt: skip
FAULTS = (MISSING, UNKNOWN, PIECES, RING, AREA, ROUND)


@dataclass(frozen=True)
class MaskRules:
    """Rules that most training masks keep.

    Args:
        expected: structures that are there.
        whole: structures that are in one piece.
        rings: (outer, inner) pairs of which the outer encloses the inner.
        areas, rounds: smallest and largest share of the picture, and roundness, of each structure.
    """

    expected: frozenset[int]
    whole: frozenset[int]
    rings: frozenset[tuple[int, int]]
    areas: Mapping[int, tuple[float, float]]
    rounds: Mapping[int, tuple[float, float]]

    def broken(self, shape: MaskShape) -> set[str]:
        """Which kinds of rule a mask breaks; empty for a plausible one."""
        found: set[str] = set()
        here = shape.structures
        if self.expected - here.keys():
            found.add(MISSING)
        if here.keys() - self.areas.keys():
            found.add(UNKNOWN)
        if any(here[value].pieces > 1 for value in self.whole & here.keys()):
            found.add(PIECES)
        both = {(a, b) for a, b in self.rings if a in here and b in here}
        if both - shape.enclosures:
            found.add(RING)
        for name, ranges, values in (
            (AREA, self.areas, {value: one.area for value, one in here.items()}),
            (ROUND, self.rounds, {value: one.roundness for value, one in here.items()}),
        ):
            if any(not ranges[v][0] <= x <= ranges[v][1] for v, x in values.items() if v in ranges):
                found.add(name)
        return found


def learn_rules(shapes: Iterable[MaskShape], share: float = SHARE) -> MaskRules:
    """Rules that at least `share` of the masks keep; ranges are those of all masks, a quarter wider on each side.

    A pair makes a ring where the outer encloses the inner in `share` of the masks that show both.
    """
    masks = list(shapes)
    seen: dict[int, list[tuple[float, float, int]]] = {}
    together: dict[tuple[int, int], list[bool]] = {}
    for mask in masks:
        for value, one in mask.structures.items():
            seen.setdefault(value, []).append((one.area, one.roundness, one.pieces))
            for other in mask.structures:
                if other != value:
                    together.setdefault((value, other), []).append((value, other) in mask.enclosures)
    return MaskRules(
        frozenset(value for value, found in seen.items() if len(found) >= share * len(masks)),
        frozenset(value for value, found in seen.items() if np.mean([n == 1 for _, _, n in found]) >= share),
        frozenset(pair for pair, closed in together.items() if np.mean(closed) >= share),
        {value: _wider([area for area, _, _ in found]) for value, found in seen.items()},
        {value: _wider([round_ for _, round_, _ in found]) for value, found in seen.items()},
    )


def _wider(values: list[float]) -> tuple[float, float]:
    return min(values) * (1.0 - WIDER), max(values) * (1.0 + WIDER)
