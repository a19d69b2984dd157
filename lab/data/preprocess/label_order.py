"""Which label is which structure, read from anatomy: the left ventricle lies inside the ring of its wall.

Two checks, each on its own enough to tell the orders apart, and both have to agree:
- *topology*, slice by slice: which label's outline is made of one other label almost alone. The left ventricle
  touches its wall all round; the right ventricle touches it along the septum only, and the outside elsewhere.
- *volume*, over all slices: how much of each label lies in what the wall encloses (the convex hull of the wall,
  for rings that are open at the base). Nearly all of the left ventricle does, hardly any of the right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.preprocess.label_maps import LABEL_MAPS, STRUCTURE_WORDS, label_map, labels_of
from lab.errors import InputError

MIN_PIXELS = 12
MIN_SHARE = 0.6
"""A slice decides only when this much of a label's outline belongs to one other label."""
MIN_AGREEMENT = 0.8
MIN_INSIDE, MAX_OUTSIDE = 0.75, 0.4
MAX_ROUND = 0.6
"""A wall that lies itself inside the hull of the third label is no wall: labels nested in each other decide nothing."""
MAX_SLICES = 200


@dataclass(frozen=True)
class LabelOrder:
    """What the anatomy of a set of masks says.

    Attributes:
        assignment: structure ("lv", "myocardium", "rv") to label; empty where nothing could be told.
        maps: ids of the known maps that fit, "app" before "acdc" for they are equal.
        agreement: share of deciding slices that agree, 0 to 1.
        slices: number of slices that decided.
        inside: label to share of its volume inside the wall.
        confident: True when both checks agree and `agreement` is 0.8 or more.
    """

    assignment: dict[str, int]
    maps: tuple[str, ...]
    agreement: float
    slices: int
    inside: dict[int, float]
    confident: bool

    def sentence(self) -> str:
        """What was found, in words with the numbers behind it."""
        if not self.confident:
            return f"The order of the labels could not be told from {self.slices} slices."
        order = ", ".join(
            f"{n} {STRUCTURE_WORDS[s]}" for s, n in sorted(self.assignment.items(), key=_by_number)
        )
        return (
            f"By anatomy the labels are: {order} ({self.agreement:.0%} of {self.slices} slices; "
            f"{self.inside[self.assignment['lv']]:.0%} of label {self.assignment['lv']} lies inside the wall)."
        )


def _by_number(item: tuple[str, int]) -> int:
    return item[1]


def examine_order(masks: Iterable[NDArray[Any]]) -> LabelOrder:
    """Look at label images of the heart in short axis, in any order of labels, with or without a right ventricle.

    Args:
        masks: (H, W) each; slices with fewer than two labels are passed over. At most 200, evenly spread, are read.

    Raises:
        InputError: for more than three labels, or numbers that are not labels.
    """
    slices = [mask for mask in masks if len(labels_of(mask)) >= 2]
    slices = slices[:: max(1, -(-len(slices) // MAX_SLICES))]
    labels = sorted({label for mask in slices for label in labels_of(mask)})
    if len(labels) > 3:
        raise InputError(
            f"The masks hold {len(labels)} labels where the heart has 3; nothing was converted; choose masks of "
            "right ventricle, myocardium and left ventricle."
        )
    votes = Counter(vote for vote in (_vote(mask) for mask in slices) if vote is not None)
    if not votes:
        return LabelOrder({}, (), 0.0, 0, {}, False)
    (lv, wall), count = votes.most_common(1)[0]
    inside = _inside(slices, wall, [label for label in labels if label != wall])
    assignment = {"lv": lv, "myocardium": wall}
    for label in inside.keys() - {lv}:
        assignment["rv"] = label  # at most one: three labels less the ventricle and its wall
    round_wall = max((_inside(slices, label, [wall])[wall] for label in inside.keys() - {lv}), default=0.0)
    agreement = count / votes.total()
    outside = all(share <= MAX_OUTSIDE for label, share in inside.items() if label != lv)
    by_volume = inside[lv] >= MIN_INSIDE and outside and round_wall <= MAX_ROUND
    known = tuple(
        name
        for name, entry in LABEL_MAPS
        if all(entry.numbers()[structure] == number for structure, number in assignment.items())
    )
    return LabelOrder(
        assignment, known, agreement, votes.total(), inside, by_volume and agreement >= MIN_AGREEMENT
    )


def _vote(mask: NDArray[Any]) -> tuple[int, int] | None:
    """(label of the left ventricle, label of its wall) as this slice has it; None where it does not decide."""
    import cv2

    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    best: tuple[float, int, int] = (0.0, 0, 0)
    for label in labels_of(mask):
        region = mask == label
        if np.count_nonzero(region) < MIN_PIXELS:
            continue
        grown = np.asarray(cv2.dilate(region.astype(np.uint8), cross)) > 0
        outline = mask[grown & ~region]
        for other in labels_of(outline):
            share = float(np.mean(outline == other))
            best = max(best, (share, label, other))
    return (best[1], best[2]) if best[0] >= MIN_SHARE else None


def _inside(slices: list[NDArray[Any]], wall: int, labels: list[int]) -> dict[int, float]:
    """Share of each label's pixels inside the convex hull of the wall, over all slices together."""
    total, held = Counter[int](), Counter[int]()
    for mask in slices:
        hull = _hull(mask == wall)
        for label in labels:
            region = mask == label
            total[label] += int(np.count_nonzero(region))
            held[label] += int(np.count_nonzero(region & hull))
    return {label: held[label] / max(total[label], 1) for label in labels}


def _hull(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    filled = np.zeros(region.shape, dtype=np.uint8)
    points = np.argwhere(region)[:, ::-1].astype(np.int32)
    if len(points) >= 3:
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled > 0


def detect_order(masks: Iterable[NDArray[Any]]) -> str:
    """Id of the label map the masks follow by anatomy ("app" also for ACDC's equal order).

    Raises:
        InputError: where the anatomy does not decide, or fits no known map.
    """
    found = examine_order(masks)
    if not found.confident or not found.maps:
        raise InputError(
            f"{found.sentence()} Nothing was converted; "
            + ("it is no known order, so give" if found.confident else "give")
            + " the label of each structure by hand."
        )
    return found.maps[0]


def check_order(masks: Iterable[NDArray[Any]], claimed: str) -> LabelOrder:
    """Refuse masks whose anatomy contradicts the label map they are said to follow.

    Masks that do not decide pass with `confident` False: the page says so and asks.

    Raises:
        InputError: with the order that was found.
    """
    entry = label_map(claimed)
    found = examine_order(masks)
    numbers = entry.numbers()
    if found.confident and any(numbers[name] != label for name, label in found.assignment.items()):
        fits = " or ".join(LABEL_MAPS.get(name).title for name in found.maps)
        raise InputError(
            f"The labels are not in the order of {entry.title} ({entry.words()}). {found.sentence()} Nothing was "
            f"converted; " + (f"choose the label map of {fits}." if fits else "give the labels by hand.")
        )
    return found
