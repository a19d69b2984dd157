"""The feature files of a phantom pack: those it cannot do without, and those of further extractors.

Without the first a pack is not taken. Each of the others is taken for itself, where its extractor is here as it was
when the pack was made: a text-image model trained anew costs its own file, not the pack.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.errors import LabError
from lab.provenance import digest_bytes

if TYPE_CHECKING:
    import pandas as pd

    from lab.features.extractor import FeatureExtractor, FeatureKey

FURTHER = ("efficientnet-lite2", "phantom-clip")
"""Extractors beside the default one: features of each film as it is, not mirrored."""
IMAGES, CAPTIONS = "text-image", "text-image-captions"
"""The text-image model as the search by words asks it: films, and each caption once."""
LOW_RESOLUTION = "low-resolution"


def extractors() -> dict[str, FeatureExtractor]:
    """What computes each feature file that a pack must have, by the stem of its name."""
    from lab.features.extractor import FlippedExtractor
    from lab.features.extractors import get_extractor
    from lab.neighbours.lowres import LowResolution

    plain = get_extractor()
    return {
        "features": plain,
        "features-mirrored": FlippedExtractor(plain),
        LOW_RESOLUTION: LowResolution(),
    }


def image_extractors() -> dict[str, FeatureExtractor]:
    """Further extractors of films whose weights are here; none is loaded before it is used."""
    from lab.features.extractors import get_extractor
    from lab.features.text_image_store import ImageTower
    from lab.features.text_image_unopened import UnopenedModel

    found: dict[str, FeatureExtractor] = {}
    for name in FURTHER:
        with contextlib.suppress(LabError):  # one that is not on this machine: the pack is good without it
            extractor = get_extractor(name)
            if extractor.digest:
                found[name] = extractor
    with contextlib.suppress(LabError):
        found[IMAGES] = ImageTower(UnopenedModel())
    return found


def further() -> dict[str, FeatureKey]:
    """Keys of every feature file that a pack may have besides, by the stem of its name."""
    from lab.features.text_image_store import TextTower
    from lab.features.text_image_unopened import UnopenedModel

    found: dict[str, FeatureKey] = {**image_extractors()}
    if IMAGES in found:
        found[CAPTIONS] = TextTower(UnopenedModel())
    return found


def row_digests(name: str, table: pd.DataFrame) -> list[str]:
    """What the rows of a feature file are of, as the feature store keys them: each film, or each caption once."""
    if name == CAPTIONS:
        return [digest_bytes(text.encode()) for text in captions(table)]
    return [str(digest) for digest in table["digest"]]


def captions(table: pd.DataFrame) -> list[str]:
    """The captions of a manifest, each once, in order."""
    return [text for text in dict.fromkeys(table["caption"].astype(str).str.strip()) if text]


def as_stored(name: str, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of unit norm (and of zero mean, for low-resolution images) are so again: rounding moved them a little."""
    from lab.features.unit import unit
    from lab.neighbours.lowres import normalised

    if name == LOW_RESOLUTION:
        return normalised(matrix)
    return unit(matrix) if name in (IMAGES, CAPTIONS) else matrix
