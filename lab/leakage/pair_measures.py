"""Two films compared after registration, at 128 px: structural likeness and the difference of grey levels.

Both are close kin of registered correlation, which works at 48 px: they show the same films more finely, they are not
further detectors, and the verdict does not count them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.pixels import resize, to_grey8
from lab.neighbours.difference import warp
from lab.neighbours.registered import Variant
from lab.neighbours.structural import ssim

SIDE = 128
# The border of the window that registered correlation compares, 6 of 48 px: poses reach beyond the film there.
EDGE = 16
# Both films are brought to this mean and spread, so that another window alone is no difference.
MEAN, SPREAD = 128.0, 48.0
SSIM, RMS = "ssim", "rms"
MEASURES = (SSIM, RMS)


@dataclass(frozen=True)
class PairMeasures:
    """How far two films differ after registration.

    Attributes:
        ssim: structural similarity, 1 for equal films, at least -1.
        rms: root mean square of the difference in grey levels of 256, 0 for equal films.
    """

    ssim: float
    rms: float

    def distances(self) -> dict[str, float]:
        """Both as distances, smaller is nearer: 1 - SSIM, and RMS."""
        return {SSIM: 1.0 - self.ssim, RMS: self.rms}


def pair_measures(sample: NDArray[Any], film: NDArray[Any], pose: Variant) -> PairMeasures:
    """Measure a sample against a film in the pose in which it correlates best with it.

    Args:
        sample, film: uint8 or uint16, (H, W) or (H, W, 3), any sizes; compared as grey.
        pose: how the sample is turned, as registered correlation found it.
    """
    moved = warp(_small(sample), pose, (SIDE, SIDE))
    inner = slice(EDGE, SIDE - EDGE)
    one, two = (_levelled(image[inner, inner]) for image in (moved, _small(film)))
    rms = float(np.sqrt(np.mean((one - two) ** 2)))
    return PairMeasures(float(ssim(one[None], two[None], 255.0)[0]), rms)


def _small(image: NDArray[Any]) -> NDArray[np.float64]:
    wide = image if image.dtype == np.uint8 else _stretched(image)
    return np.asarray(resize(to_grey8(wide), SIDE), dtype=np.float64)


def _stretched(image: NDArray[Any]) -> NDArray[np.uint16]:
    """16 bits over their own range: films often use a small part of it."""
    low, high = np.percentile(image, (0.1, 99.9))
    return np.asarray(np.clip((image - low) * (65535.0 / max(high - low, 1.0)), 0, 65535), dtype=np.uint16)


def _levelled(image: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(image.std())
    flat = image - image.mean()
    return np.asarray(flat * (SPREAD / spread) + MEAN if spread > 1e-6 else flat + MEAN)
