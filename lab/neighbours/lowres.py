"""Low-resolution images: 48 x 48 grey pixels, zero mean, unit norm; kept in the feature store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU
from lab.features.extractor import as_grey8
from lab.features.resize import RESAMPLING, to_square
from lab.provenance import digest_json

SIDE = 48
# Below this spread (grey levels) an image shows no pattern; dividing by it would only amplify rounding.
FLAT = 0.25


class LowResolution:
    """An "extractor" whose features are the pixels themselves, so that the feature store can keep them."""

    id = f"low-resolution-{SIDE}"
    dimension = SIDE * SIDE
    input_size = SIDE
    resampling = RESAMPLING
    digest = digest_json(["low-resolution", SIDE, RESAMPLING, "luma", "zero mean, unit norm", FLAT, 1])

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Images to (n, 2304) float32, each of zero mean and unit norm, or all zeros for a flat image.

        Raises:
            ImageError: for an image that is not 8- or 16-bit grey or RGB.
        """
        if not len(images):
            return np.empty((0, self.dimension), dtype=np.float32)
        small = to_square([as_grey8(image) for image in images], SIDE, CPU)
        return normalised(small.reshape(len(images), -1).numpy(), FLAT * SIDE)


def normalised(rows: NDArray[np.float32], flat_norm: float = 1e-6) -> NDArray[np.float32]:
    """Rows (n, d) moved to zero mean and unit norm; rows whose norm is at most `flat_norm` become zeros."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(norm > flat_norm, centred / np.maximum(norm, 1e-12), 0.0).astype(np.float32)
