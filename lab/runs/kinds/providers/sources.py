"""Which training image each sample's prompt belongs to: said by its recipe or table, else the one with that caption."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

NONE = (
    "No sample of this set was made from the caption of a training image, so there is nothing to compare it with; run"
    " the protocol, or prompt with captions of the dataset."
)


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Says so where no sample belongs to a training image."""
    from lab.data.resolve import resolve

    return "" if (sources_of(resolve(real), synthetic) >= 0).any() else NONE


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """`synthetic_sources`: row of the training image of each sample, -1 for none."""
    yield ctx.progress("Finding the image of each prompt", 0, 1)
    return {"synthetic_sources": sources_of(sets.real, sets.synthetic)}


def sources_of(real: ImageSet, synthetic: ImageSet) -> NDArray[np.int64]:
    """Row of the training image each sample belongs to, (m,), -1 for none.

    A recipe's or a column's "source" (id of the image) goes before the caption. Of several images with one caption the
    first by id is taken.
    """
    import numpy as np

    places = {name: row for row, name in enumerate(real.ids())}
    by_caption = first_by_caption(real)
    frame = synthetic.frame()
    captions = [tidy(str(text)) for text in frame["caption"]]
    named = [_named(row) for row in frame.to_dict("records")]
    found = [
        places.get(name, by_caption.get(caption, -1)) for name, caption in zip(named, captions, strict=True)
    ]
    return np.asarray(found, dtype=np.int64)


def first_by_caption(images: ImageSet) -> dict[str, int]:
    """Row of the first image by id of each caption, in the order in which captions appear; empty ones are left out."""
    frame, rows = images.frame(), dict[str, int]()
    ids = images.ids()
    for row, text in enumerate(frame["caption"].astype(str)):
        caption = tidy(text)
        if caption and (caption not in rows or ids[row] < ids[rows[caption]]):
            rows[caption] = row
    return rows


def tidy(text: str) -> str:
    """A caption as a generator is asked for it: one Unicode form, single blanks."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _named(row: Mapping[Any, Any]) -> str:
    """The image a sample says it belongs to, "" where it says nothing."""
    if row.get("source"):
        return str(row["source"])
    try:
        recipe = json.loads(str(row.get("recipe") or "{}"))
    except ValueError:
        return ""
    return str(recipe.get("source", "")) if isinstance(recipe, dict) else ""
