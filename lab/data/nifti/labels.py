"""Whether the labels of a set mean what they are said to mean, and how they are turned into this app's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.data.preprocess.label_maps import LABEL_MAPS, STRUCTURE_WORDS, STRUCTURES

CHECKED, AS_STORED = "checked", "as stored"
ORDERS = (CHECKED, AS_STORED, "acdc", "mms")
"""Values of the choice "labels"; the last two name the order the masks are in."""


@dataclass(frozen=True)
class LabelDecision:
    """How masks are read.

    Attributes:
        values: number in the file to number here; empty keeps them.
        names: number here to structure, where it is known.
        problem: a sentence when the masks contradict what they are said to be.
        notes: what was found.
    """

    values: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()


def decide(described: Iterable[Mapping[str, Any]], choice: str) -> LabelDecision:
    """Compare what anatomy says of each volume's masks with the order that was chosen.

    Args:
        described: answers of `lab.data.nifti.describe.describe_labels`.
        choice: one of `ORDERS`.
    """
    found = [tuple(sorted(one["order"].items())) for one in described if one.get("order")]
    if choice == AS_STORED:
        return LabelDecision(notes=("The numbers of the masks were kept as they are and not checked.",))
    if not found:
        return _unchecked(choice)
    counts = Counter(found)
    order = dict(counts.most_common(1)[0][0])
    chosen = "app" if choice == CHECKED else choice
    wrong = sum(number for key, number in counts.items() if not _fits(dict(key), chosen))
    if not wrong:
        note = f"Masks follow the order of {LABEL_MAPS.get(chosen).title} by anatomy ({len(found)} volumes looked at)."
        return LabelDecision(_values(chosen), _names(), "", (note,))
    words = ", ".join(
        f"{number} {STRUCTURE_WORDS[name]}"
        for name, number in sorted(order.items(), key=lambda item: item[1])
    )
    fitting = next((name for name in ("acdc", "mms") if _fits(order, name)), AS_STORED)
    mixed = "" if len(counts) == 1 else f" in {counts.most_common(1)[0][1]} of {len(found)} volumes"
    return LabelDecision(
        problem=(
            f"By anatomy the labels are {words}{mixed}, not in the order of {LABEL_MAPS.get(chosen).title}; nothing "
            f"was imported; choose labels={fitting}{' and look at the volumes that differ' if mixed else ''}."
        )
    )


def _unchecked(choice: str) -> LabelDecision:
    note = "The anatomy of the masks does not tell the order of their labels, so it was not checked."
    return (
        LabelDecision(notes=(note,))
        if choice == CHECKED
        else LabelDecision(_values(choice), _names(), "", (note,))
    )


def _fits(order: Mapping[str, int], name: str) -> bool:
    numbers = LABEL_MAPS.get(name).numbers()
    return all(numbers[structure] == number for structure, number in order.items())


def _values(name: str) -> dict[int, int]:
    """File's number to this app's; {} where they are the same."""
    old, new = LABEL_MAPS.get(name).numbers(), LABEL_MAPS.get("app").numbers()
    values = {old[structure]: new[structure] for structure in STRUCTURES}
    return {} if all(a == b for a, b in values.items()) else values


def _names() -> dict[int, str]:
    return {number: STRUCTURE_WORDS[name] for name, number in LABEL_MAPS.get("app").numbers().items()}
