"""What every phantom renderer gives: one picture, its label mask, the layers it was made of, and its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PhantomImage:
    """One phantom picture.

    Attributes:
        image: uint8, (H, W) grey or (H, W, 3) RGB.
        mask: (H, W) uint8 label image; 0 is what no structure covers.
        record: the row of the picture: patient_id ("PREFIX-SEED-NUMBER"), label, view, sex, age, vendor, text (the
            caption) and columns of its own, all as text.
        layers: further pictures of the same size, for example the skin without hair, or where the hair lies.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    record: Mapping[str, str]
    layers: Mapping[str, NDArray[Any]] = field(default_factory=dict)
