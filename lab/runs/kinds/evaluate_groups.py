"""Breakdowns of an evaluation: the same metrics by label, view, vendor or sex, each with its own n."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lab.data.labels import prompted_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.metrics.inputs import MetricInput

ALL = "all"
BREAKDOWNS = ("label", "view", "vendor", "sex")
_SEPARATOR = ": "


def group_titles(real: ImageSet, by: str) -> list[str]:
    """ "all", then one title a value of the column, such as "label: Effusion", in alphabetical order.

    Args:
        real: the training images; groups are theirs.
        by: one of `BREAKDOWNS`, "" for none.
    """
    if not by:
        return [ALL]
    values = sorted({value for row in _values(real, by) for value in row})
    return [ALL, *(f"{by}{_SEPARATOR}{value}" for value in values)]


def in_group(
    given: MetricInput, title: str, real: ImageSet, synthetic: ImageSet, held_out: ImageSet | None
) -> MetricInput:
    """The rows of a group: real images that have the value, samples that have it or whose prompt asks for it.

    A sample also belongs to a label where a real image with that label has the sample's prompt as its caption
    (CheXGenBench's conditional protocol).
    """
    if title == ALL:
        return given
    by, _, value = title.partition(_SEPARATOR)
    rows = _having(_values(real, by), value)
    return given.take(
        rows,
        _having(_sample_values(synthetic, real, by), value),
        None if held_out is None else _having(_values(held_out, by), value),
        title,
    )


def findings(real: ImageSet, synthetic: ImageSet, held_out: ImageSet | None) -> dict[str, Any]:
    """Every finding of each image, joined by "|", as fields of a `MetricInput`; empty where nobody said any."""
    import numpy as np

    sides = {
        "real_findings": _values(real, "label"),
        "synthetic_findings": _sample_values(synthetic, real, "label"),
    }
    if held_out is not None:
        sides["held_out_findings"] = _values(held_out, "label")
    return {
        name: np.asarray(["|".join(sorted(found)) for found in rows], dtype=str)
        for name, rows in sides.items()
    }


def _having(values: Iterable[set[str]], value: str) -> NDArray[np.int64]:
    import numpy as np

    return np.asarray([row for row, found in enumerate(values) if value in found], dtype=np.int64)


def _values(images: ImageSet, by: str) -> list[set[str]]:
    """The values of each image: several where it carries several labels."""
    frame = images.frame()
    if by != "label":
        columns = [frame[by].astype(str)] if by in frame.columns else []
    else:
        columns = [frame[name].astype(str) for name in ("label", "labels") if name in frame.columns]
    found: list[set[str]] = [set() for _ in range(len(frame))]
    for column in columns:
        for row, text in enumerate(column):
            found[row].update(part.strip() for part in text.split("|") if part.strip())
    return found


def _sample_values(synthetic: ImageSet, real: ImageSet, by: str) -> list[set[str]]:
    own = _values(synthetic, by)
    if by in ("label", "vendor"):
        for row, told in enumerate(_told(synthetic, by)):
            own[row] = own[row] or ({told} - {""})
    captions = synthetic.frame()["caption"].astype(str).str.strip().tolist()
    if by != "label":
        return own
    known = sorted({value for row in _values(real, by) for value in row})
    asked: dict[str, set[str]] = {}
    for caption, labels in zip(real.frame()["caption"].astype(str), _values(real, by), strict=True):
        asked.setdefault(caption.strip(), set()).update(labels)
    for row, caption in enumerate(captions):
        if own[row] or not caption:
            continue
        own[row] = set(asked.get(caption) or {prompted_label(caption, known)} - {""})
    return own


def _told(synthetic: ImageSet, name: str) -> list[str]:
    """The class or vendor that each sample was asked for, by its recipe; "" where there is none."""
    from lab.data.samples import parse_recipe

    frame = synthetic.frame()
    if "recipe" not in frame.columns:
        return [""] * len(frame)
    found = []
    for text in frame["recipe"].astype(str):
        recipe = (parse_recipe(text) if f'"{name}"' in text else None) or {}
        condition = recipe.get("condition")
        value = condition.get(name) if isinstance(condition, dict) else None
        found.append(value.strip() if isinstance(value, str) else "")
    return found
