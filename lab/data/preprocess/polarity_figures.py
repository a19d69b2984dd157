"""Mean intensities that tell a negative from a positive, for one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
_FLAT = 1e-6


@dataclass(frozen=True)
class PolarityFigures:
    """Contrasts in shares of the picture's own range (darkest to brightest of its 32 x 32 thumbnail), -1 to 1.

    Attributes:
        spine_contrast: mean of the middle fifth of the columns minus mean of the whole picture. In a chest film that
            shows air dark it is positive, frontal or lateral.
        centre_contrast: mean of the middle half minus mean of the outer tenth, the usual check; shown beside, but it
            decides nothing for chest films: dark lungs in the centre make it negative in many that are not inverted.
        warmth: mean red minus mean blue, share of the dtype's range; skin is warm. 0 for grey pictures.
        colour_share: share of thumbnail pixels whose planes differ by more than 2 % of the range of the dtype.
    """

    spine_contrast: float
    centre_contrast: float
    warmth: float
    colour_share: float

    @property
    def looks_inverted(self) -> bool:
        """True for a chest film that shows air bright and the spine dark."""
        return self.spine_contrast < 0


def thumbnail(image: NDArray[Any]) -> NDArray[np.float64]:
    """Area means on 32 x 32 fields in shares of the dtype's range.

    Args:
        image: uint8, uint16 or float32 (taken as it is), (H, W) or (H, W, 3), any size.

    Returns:
        float64 (32, 32) or (32, 32, 3).
    """
    import cv2

    top = 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)
    small: NDArray[Any] = cv2.resize(image.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float64) / top


def figures(small: NDArray[np.float64]) -> PolarityFigures:
    """The contrasts of one thumbnail; 0 for a picture of one value."""
    colour = warmth = 0.0
    grey = small
    if small.ndim == 3:
        warmth = float((small[..., 0] - small[..., 2]).mean())
        colour = float(((small.max(axis=2) - small.min(axis=2)) > 0.02).mean())
        grey = small.mean(axis=2)
    spread = float(grey.max() - grey.min())
    if spread <= _FLAT:
        return PolarityFigures(0.0, 0.0, warmth, colour)
    border = np.ones((SIDE, SIDE), dtype=bool)
    border[3:-3, 3:-3] = False
    centre = grey[8:24, 8:24].mean() - grey[border].mean()
    spine = grey[:, 13:19].mean() - grey.mean()
    return PolarityFigures(float(spine / spread), float(centre / spread), warmth, colour)
