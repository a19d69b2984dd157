"""Local contrast: what is left of a low-resolution image when brightness and contrast are taken out place by place.

A copy that was windowed otherwise, or whose dark parts were clipped, keeps its local structure and loses its grey
levels; other patients share the grey levels of a chest and not its local structure. So correlation is computed on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.lowres import SIDE, normalised

# Pixels of 48: about the width of a rib with its gap.
REACH = 3.0
# Share of the image's own spread added below the line: a flat background must not be blown up to structure.
FLOOR = 0.25
BLOCK = 2048


def local_contrast(lowres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Low-resolution images (n, 2304) minus their local mean, over their local spread; zero mean, unit norm.

    A flat image, all zeros, stays all zeros.
    """
    parts = [_of_block(lowres[start : start + BLOCK]) for start in range(0, len(lowres), BLOCK)]
    return np.concatenate(parts) if parts else np.empty((0, SIDE * SIDE), dtype=np.float32)


def _of_block(lowres: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    def blurred(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(gaussian_filter(images, (0, REACH, REACH), mode="nearest"), dtype=np.float32)

    images = np.asarray(lowres, dtype=np.float32).reshape(-1, SIDE, SIDE)
    fine = images - blurred(images)
    spread = np.sqrt(blurred(fine**2))
    whole = np.sqrt((fine**2).mean((1, 2), keepdims=True))
    return normalised((fine / (spread + FLOOR * whole + 1e-9)).reshape(len(images), -1))
