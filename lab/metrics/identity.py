"""What a Re-ID network says of pairs of images, from embeddings alone, and how far that can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Identity:
    """The last layer of a Siamese network, and what it was measured to be worth.

    Args:
        weights: (d,) of the linear layer over the absolute difference of two embeddings.
        bias: of that layer.
        name: of the network, for people.
        verification: measured on held-out patients: "auc", "low", "high", "equal_error", "threshold", "patients";
            {} where nobody measured.
    """

    weights: Floats
    bias: float
    name: str = "Re-ID network"
    verification: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, first: NDArray[np.floating], second: NDArray[np.floating]) -> Floats:
        """Scores (n,) in 0..1 that matching rows of two (n, d) tables are of one patient."""
        found = np.empty(len(first))
        for start in range(0, len(first), _BLOCK):
            part = slice(start, start + _BLOCK)
            difference = np.abs(first[part].astype(np.float64) - second[part].astype(np.float64))
            found[part] = 1.0 / (1.0 + np.exp(-(difference @ self.weights + self.bias)))
        return found

    @property
    def copy_score(self) -> float:
        """What an exact copy scores: the last layer's bias alone, because nothing differs."""
        return float(1.0 / (1.0 + np.exp(-self.bias)))

    @property
    def sentence(self) -> str:
        """One sentence on how well the network tells patients apart."""
        told = self.verification
        if not told:
            return f"Nobody has measured how well the {self.name} tells patients apart: read its scores with care."
        reach = "" if told.get("low") is None else f" ({told['low']:.2f} to {told['high']:.2f})"
        return (
            f"The {self.name} tells two films of one held-out patient from films of two with an AUC of "
            f"{told['auc']:.2f}{reach} over {told['patients']} patients; a score means no more than that. An exact copy"
            f" scores {self.copy_score:.2f}."
        )
