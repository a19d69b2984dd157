"""All radiomic features of a picture, in a fixed order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.metrics.levels import at_size, grey, levels
from lab.metrics.pictures import Image
from lab.metrics.radiomics.cooccurrence import cooccurrence
from lab.metrics.radiomics.filters import filtered
from lab.metrics.radiomics.first_order import first_order
from lab.metrics.radiomics.runs import run_lengths, zone_sizes
from lab.metrics.radiomics.tone import tone_differences

Floats = NDArray[np.float64]
SIDE, SCALE, BIN_WIDTH = 128, 100.0, 5.0
MOST_SPREADS = 10.0
# The same for every picture of mean 0 and spread 100, so they tell nothing about the unfiltered one.
_FIXED = ("original mean", "original variance", "original energy", "original root-mean-square")


def binned(values: Floats, width: float = BIN_WIDTH) -> NDArray[np.int64]:
    """Numbers of bins of a fixed width, from 1 on; edges lie at multiples of the width."""
    numbers = np.floor(values / width).astype(np.int64)
    return np.asarray(numbers - numbers.min() + 1)


def normalised(image: Image, side: int = SIDE) -> Floats:
    """Grey, squashed to (side, side), mean 0 and spread 100; a flat picture is all zeros.

    Values are held within ten spreads, so that one bright pixel does not make thousands of levels.
    """
    values = at_size(grey(levels(image)), side, side)
    spread = float(values.std())
    if spread <= 1e-9:
        return np.zeros_like(values)
    held = np.clip((values - values.mean()) / spread, -MOST_SPREADS, MOST_SPREADS)
    return np.asarray(SCALE * held)


def radiomic_features(image: Image, side: int = SIDE) -> dict[str, float]:
    """Features by name "FILTER FEATURE" of a picture of any size, (H, W) or (H, W, 3), uint8 or uint16."""
    found: dict[str, float] = {}
    for name, values in filtered(normalised(image, side)).items():
        in_bins = binned(values)
        parts = {
            "": first_order(values, in_bins),
            "co-occurrence ": cooccurrence(in_bins),
            "runs ": run_lengths(in_bins),
            "zones ": zone_sizes(in_bins),
            "tone ": tone_differences(in_bins),
        }
        found |= {f"{name} {kind}{key}": value for kind, part in parts.items() for key, value in part.items()}
    return {name: value for name, value in found.items() if name not in _FIXED}


def radiomic_vector(image: Image, side: int = SIDE) -> Floats:
    """(f,) the features in the order of `feature_names`."""
    return np.asarray(list(radiomic_features(image, side).values()))


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Names of the features, 689 of them."""
    return tuple(radiomic_features(np.arange(1024, dtype=np.uint16).reshape(32, 32), 32))
