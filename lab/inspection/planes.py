"""Samples as the checks read them: one plane of grey levels, and a small fingerprint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PRINT_SIDE = 32


def grey(image: NDArray[Any]) -> Floats:
    """(H, W) grey levels 0 to 255 of a (H, W) or (H, W, C) uint8 or uint16 image."""
    plane = np.asarray(image, dtype=np.float64)
    if image.dtype == np.uint16:
        plane = plane / 257.0
    return plane.mean(axis=2) if plane.ndim == 3 else plane


def interior(plane: Floats) -> Floats:
    """The plane without a tenth at each border, where frames and collimator edges lie."""
    rows, columns = (max(1, side // 10) for side in plane.shape)
    inner = plane[rows:-rows, columns:-columns]
    return inner if inner.size else plane


def fingerprint(image: NDArray[Any]) -> NDArray[np.float32]:
    """(1024,) float32 of unit length: the image at 32 x 32 pixels less its mean; zeros for a flat one.

    The product of two is their correlation.
    """
    import cv2

    small = cv2.resize(grey(image), (PRINT_SIDE, PRINT_SIDE), interpolation=cv2.INTER_AREA).ravel()
    small = small - small.mean()
    length = float(np.linalg.norm(small))
    return np.asarray(small / length if length > 1.0 else np.zeros_like(small), dtype=np.float32)
