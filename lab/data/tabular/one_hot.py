"""Ground truth as one column a class: to the class whose cell is 1 (or the largest above one half)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SKIN_CLASSES = (
    "AK", "AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCC", "SCCKA", "UNK", "VASC",
)  # fmt: skip
"""Columns of the ground truth of MILK10k (11 of them) and of the ISIC challenges of 2018 and 2019."""


def class_columns(header: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The class columns of a header, as fields for `open_columns`; {} where there are fewer than three."""
    found: dict[str, tuple[str, ...]] = {}
    for name in header:
        if name.upper() in SKIN_CLASSES:
            found[name.upper()] = (name,)
    return found if len(found) >= 3 else {}


def hot_class(cells: Mapping[str, str], classes: Sequence[str]) -> str:
    """The one class whose cell is above one half; "" where none or several are."""
    hot = [name for name in classes if _number(cells.get(name, "")) > 0.5]
    return hot[0] if len(hot) == 1 else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
