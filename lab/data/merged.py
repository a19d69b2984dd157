"""Several sample sets read as one: "ID+ID+...", each image once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from lab.data.imageset import FrameSet
from lab.data.samples import SampleSet, open_sample_set
from lab.errors import InputError

JOIN = "+"
MOST = 64


def merged_reference(ids: Sequence[str]) -> str:
    """The reference of some sample sets together, the same for any order of them."""
    return JOIN.join(sorted(set(ids)))


class MergedSet(FrameSet):
    """Sample sets one after the other; an image that stands in two of them counts once.

    Attributes:
        parts: the sets.
    """

    def __init__(self, reference: str, parts: Sequence[SampleSet]) -> None:
        self.parts = tuple(parts)
        self._by_id = {name: part for part in self.parts for name in part.ids()}
        table = pd.concat([part.frame() for part in self.parts], ignore_index=True)
        super().__init__(reference, self.parts[0].tag, table.drop_duplicates("digest"))
        self.card, self.parent = self.parts[0].card, self.parts[0].parent

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of a sample, uint8 or uint16, (H, W) or (H, W, 3)."""
        self.position(image_id)
        return self._by_id[image_id].image(image_id)

    def set_of(self, image_id: str) -> str:
        """The id of the sample set an image stands in."""
        self.row(image_id)
        return self._by_id[image_id].id


def open_merged(reference: str) -> MergedSet:
    """Open "ID+ID+...".

    Raises:
        NotFoundError: when one of them is not here.
        InputError: for more than 64 sets, or sets of different generators.
    """
    ids = reference.split(JOIN)
    if len(ids) > MOST:
        raise InputError(f"At most {MOST} sets are read together; nothing was started; choose fewer.")
    parts = [open_sample_set(name) for name in ids]
    if len({part.origin for part in parts}) > 1:
        raise InputError(
            "These sets come from different generators; nothing was started; choose sets of one."
        )
    return MergedSet(reference, parts)
