"""Pictures that stand in a dataset twice: what a pair says about patients and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

SAME_BITS = 24
"""At most so many of 256 bits of the perceptual hash differ: a near-duplicate."""
SAME_CORRELATION = 0.93
"""At least this registered correlation of local contrasts: a near-duplicate. The most alike films of two patients reach
0.85 (1,497 paediatric radiographs) and 0.76 (885 pictures of skin); films published twice reach 0.999."""
WORTH_A_LOOK = 40
"""Pairs within so many bits are registered and measured; features propose further ones."""


@dataclass(frozen=True)
class DuplicatePair:
    """Two pictures that are one.

    Attributes:
        first, second: image ids.
        bits: bits of 256 in which the perceptual hashes differ.
        correlation: registered correlation of local contrasts, -1 to 1.
        cosine: of the features.
        how: what was done to the first to meet the second, for example "as is" or "flipped".
        patients: whether they bear two patient ids.
        splits: whether they stand in two splits.
    """

    first: str
    second: str
    bits: int
    correlation: float
    cosine: float
    how: str
    patients: bool
    splits: bool

    @property
    def duplicate(self) -> bool:
        """Whether either measure calls them near-duplicates."""
        return self.bits <= SAME_BITS or self.correlation >= SAME_CORRELATION

    def as_json(self) -> dict[str, Any]:
        """The pair as JSON-able data."""
        return asdict(self)


def report(pairs: Sequence[DuplicatePair], table: pd.DataFrame) -> dict[str, Any]:
    """What a run delivers: counts, the pairs across patients or splits, the number within patients.

    Args:
        pairs: all that were measured.
        table: the manifest, with image_id and patient_id.
    """
    same = sorted((pair for pair in pairs if pair.duplicate), key=lambda pair: (pair.bits, -pair.correlation))
    across = [pair for pair in same if pair.patients or pair.splits]
    return {
        "images": len(table),
        "patients": int(table["patient_id"].nunique()),
        "compared": len(pairs),
        "within_patient": len(same) - len(across),
        "across_patients": sum(pair.patients for pair in across),
        "across_splits": sum(pair.splits for pair in across),
        "pairs": [pair.as_json() for pair in across],
    }
