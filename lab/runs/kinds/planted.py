"""A set of planted copies and honest images that stands in for samples, to try detectors on."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data.imageset import FrameSet, patient_balanced, subset
from lab.errors import NotComputable
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

REVISION = 1


class PlantedSet(FrameSet):
    """Altered copies of training images, then honest held-out images; pixels are made when they are asked for.

    Args:
        train: whose images are copied.
        control: held-out images of other patients than the honest ones, which set thresholds.
        table: rows with "kind" and "source" (image id of the training or held-out image).
        honest: the honest images.
        seed: of the alterations that draw.
    """

    def __init__(
        self, train: ImageSet, control: ImageSet, table: pd.DataFrame, honest: ImageSet, seed: int
    ) -> None:
        super().__init__(f"{train.id}:planted", "SYNTHETIC", table)
        self.train, self.control = train, control
        self._honest, self._seed = honest, seed

    @property
    def kinds(self) -> NDArray[np.str_]:
        """(m,) kind of each image."""
        return np.asarray(self._table["kind"], dtype=str)

    @property
    def honest(self) -> int:
        """Honest images."""
        return len(self._honest.ids())

    @property
    def copies(self) -> int:
        """Copies of one kind."""
        return int((self.kinds == self.kinds[0]).sum())

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of a copy, altered as its kind says, or of an honest image."""
        from lab.metrics.sensitivity import HONEST
        from lab.neighbours.canaries import kinds

        row = self.row(image_id)
        if row["kind"] == HONEST:
            return self._honest.image(row["source"])
        draw = np.random.default_rng([self._seed, zlib.crc32(f"{row['kind']} {row['source']}".encode())])
        return np.asarray(kinds()[row["kind"]](self.train.image(row["source"]), draw))


def planted_set(dataset: str, copies: int, seed: int) -> PlantedSet:
    """Copies of every kind of `copies` training images, one a patient, and half of the held-out images.

    The other half, of other patients, sets the thresholds of metrics that take them from held-out images.

    Raises:
        NotComputable: where fewer than four patients were held out.
    """
    from lab.data.resolve import resolve
    from lab.metrics.sensitivity import HONEST
    from lab.neighbours.canaries import kinds

    train, held_out = resolve(f"{dataset}:train"), resolve(f"{dataset}:held-out")
    people = sorted(set(map(str, held_out.patients())))
    if len(people) < 4 or not train.ids():
        raise NotComputable(
            "Detectors are tried with held-out images of four patients or more; nothing was measured; choose a set "
            "with more of them."
        )
    drawn = set(np.random.default_rng(seed).permutation(people)[: len(people) // 2])
    owners = list(zip(held_out.ids(), map(str, held_out.patients()), strict=True))
    # One image a patient among the honest ones: exact intervals count images as independent.
    honest = _one_a_patient(subset(held_out, [name for name, owner in owners if owner in drawn]), seed)
    control = subset(held_out, [name for name, owner in owners if owner not in drawn])
    sources = _one_a_patient(train, seed)
    sources = subset(sources, sources.ids()[:copies])
    rows = [
        _row(kind, name, digest, seed)
        for kind in kinds()
        for name, digest in zip(sources.ids(), sources.digests(), strict=True)
    ]
    rows += [
        {**_row(HONEST, name, digest, seed), "digest": digest}
        for name, digest in zip(honest.ids(), honest.digests(), strict=True)
    ]
    return PlantedSet(train, control, pd.DataFrame(rows), honest, seed)


def _one_a_patient(images: ImageSet, seed: int) -> ImageSet:
    return subset(images, patient_balanced(images, len(set(map(str, images.patients()))), seed))


def _row(kind: str, source: str, digest: str, seed: int) -> dict[str, str]:
    made = digest_json([REVISION, digest, kind, seed])
    return {
        "image_id": made[:16], "digest": made, "patient_id": made[:16], "split": "", "label": "", "caption": "",
        "kind": kind, "source": source,
    }  # fmt: skip
