"""Which number means which part of the heart: the orders of ACDC, of M&Ms and of this app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.registry import Registry

STRUCTURES = ("rv", "myocardium", "lv")
STRUCTURE_WORDS = {"rv": "right ventricle", "myocardium": "myocardium", "lv": "left ventricle"}


@dataclass(frozen=True)
class LabelMap:
    """Numbers of the three structures; 0 is background in every map.

    Attributes:
        id: lower-case name.
        title: for a list.
        rv: cavity of the right ventricle.
        myocardium: wall of the left ventricle.
        lv: cavity of the left ventricle.
    """

    id: str
    title: str
    rv: int
    myocardium: int
    lv: int

    def __post_init__(self) -> None:
        numbers = (self.rv, self.myocardium, self.lv)
        if len(set(numbers)) != 3 or not all(0 < number < 256 for number in numbers):
            raise InputError(
                "A label map needs three different numbers from 1 to 255; nothing was converted; correct them."
            )

    def numbers(self) -> dict[str, int]:
        """Structure to number."""
        return {name: getattr(self, name) for name in STRUCTURES}

    def words(self) -> str:
        """The order in words: "1 right ventricle, 2 myocardium, 3 left ventricle"."""
        ordered = sorted(self.numbers().items(), key=lambda item: item[1])
        return ", ".join(f"{number} {STRUCTURE_WORDS[name]}" for name, number in ordered)


LABEL_MAPS: Registry[LabelMap] = Registry("label map")
for _map in (
    LabelMap("app", "This app", rv=1, myocardium=2, lv=3),
    LabelMap("acdc", "ACDC", rv=1, myocardium=2, lv=3),
    LabelMap("mms", "M&Ms", rv=3, myocardium=2, lv=1),
):
    LABEL_MAPS.register(_map.id)(_map)


def label_map(name: str | LabelMap) -> LabelMap:
    """A label map by name; one put together by hand passes through.

    Raises:
        NotFoundError: with the known names.
    """
    return name if isinstance(name, LabelMap) else LABEL_MAPS.get(name)


def convert(mask: NDArray[Any], source: str | LabelMap, target: str | LabelMap = "app") -> NDArray[np.uint8]:
    """A label image in another order; to and back is the identity.

    Args:
        mask: whole numbers, any shape.
        source, target: "app", "acdc", "mms", or a `LabelMap`.

    Returns:
        uint8 of the same shape.

    Raises:
        InputError: when the mask holds a number the source does not have.
        NotFoundError: for an unknown map.
    """
    old, new = label_map(source), label_map(target)
    table = np.zeros(256, dtype=np.uint8)
    for name in STRUCTURES:
        table[old.numbers()[name]] = new.numbers()[name]
    values = labels_of(mask)
    if not set(values) <= set(old.numbers().values()):
        raise InputError(
            f"The mask holds labels that {old.title} does not have; nothing was converted; its order is: "
            f"{old.words()}."
        )
    return table[mask.astype(np.uint8)]


def labels_of(mask: NDArray[Any]) -> list[int]:
    """The labels in a mask, background left out.

    Raises:
        InputError: for numbers that are not whole, or outside 0 to 255.
    """
    if mask.dtype == np.uint8:
        return [int(value) for value in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)) if value]
    found = np.unique(mask)
    if not np.all((found >= 0) & (found <= 255) & (found == np.floor(found))):
        raise InputError(
            "The mask holds numbers that are not labels from 0 to 255; nothing was converted; choose another mask."
        )
    return [int(value) for value in found if value]
