"""A second feature extractor for the realism gate: fixed filters, nothing learnt, no weights in common with Lite0.

Two layers of oriented derivatives, as in a scattering transform (Bruna and Mallat 2013), written from the
definition: how much edge of each direction and width a film has where, how sparse those edges are, and how they are
laid out on a coarser scale. A Gaussian field of the right spectrum has the first, and neither of the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.provenance import code_digest

Floats = NDArray[np.float64]
SCALES = (0.7, 1.4, 2.8)
OUTER = (1.4, 2.8, 5.6)
ANGLES = tuple(float(angle) for angle in np.arange(4) * np.pi / 4)
FINE, COARSE = 4, 2
LIMIT = 2.0


def texture_digest() -> str:
    """Digest of the code of this extractor."""
    return code_digest([__name__])


def describe(images: NDArray[np.uint8]) -> Floats:
    """Oriented scattering of films, each brought to mean 0 and standard deviation 1 first.

    First layer: derivatives of a Gaussian of standard deviation s = 0.7, 1.4, 2.8 px in four directions, times s.
    Per map: log(0.01 + mean modulus) in 4 x 4 fields; log of mean modulus (+ 0.01) over root mean square
    (+ 0.0001 under the root) in 2 x 2 fields. Second layer: the same derivatives of each modulus at every
    s2 = 1.4, 2.8, 5.6 px that is twice s or more; log of their mean modulus (+ 0.003) over that of the first
    (+ 0.01), in 2 x 2 fields.

    Args:
        images: (n, H, W) uint8; meant for 64 px, sides divisible by 4.

    Returns:
        (n, 624) float64: 12 maps x (16 + 4) fields, and 24 pairs of scale and direction x 4 directions x 4 fields.
    """
    grey = images.astype(np.float64)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= np.maximum(
        grey.std(axis=(1, 2), keepdims=True), 1.0
    )  # an empty film has no contrast to bring to 1
    parts: list[Floats] = []
    for number, scale in enumerate(SCALES):
        for response in _derivatives(grey, scale):
            modulus = np.abs(response)
            coarse = 0.01 + _means(modulus, COARSE)
            parts.append(np.log(0.01 + _means(modulus, FINE)))
            parts.append(np.log(coarse / np.sqrt(1e-4 + _means(response**2, COARSE))))
            for outer in OUTER[number:]:
                parts += [
                    np.log((0.003 + _means(np.abs(second), COARSE)) / coarse)
                    for second in _derivatives(modulus, outer)
                ]
    return np.concatenate(parts, axis=1)


def standardised(sets: dict[str, Floats], real: tuple[str, ...]) -> dict[str, Floats]:
    """Features on the scale of real films: mean 0, standard deviation 1, cut at +-2, then length sqrt(d) per film.

    Mean and deviation are over the real sets, each set counted alike. Cut and length keep single films, such as one
    with a wide black border, from deciding: the cubic kernel of two films lies between 0 and 8.

    Args:
        sets: name to (n, d) features.
        real: names of the real sets.
    """
    mean = np.mean([sets[name].mean(0) for name in real], axis=0)
    spread = np.sqrt(np.mean([((sets[name] - mean) ** 2).mean(0) for name in real], axis=0))
    out = {}
    for name, values in sets.items():
        cut = np.clip((values - mean) / np.maximum(spread, 1e-6), -LIMIT, LIMIT)
        length = np.linalg.norm(cut, axis=1, keepdims=True)
        out[name] = cut / np.maximum(length, 1e-9) * np.sqrt(cut.shape[1])
    return out


def _derivatives(planes: Floats, scale: float) -> list[Floats]:
    from scipy import ndimage

    across = ndimage.gaussian_filter(planes, (0, scale, scale), (0, 0, 1)) * scale
    down = ndimage.gaussian_filter(planes, (0, scale, scale), (0, 1, 0)) * scale
    return [np.cos(angle) * across + np.sin(angle) * down for angle in ANGLES]


def _means(planes: Floats, fields: int) -> Floats:
    count, height, width = planes.shape
    split = planes.reshape(count, fields, height // fields, fields, width // fields)
    return np.asarray(split.mean(axis=(2, 4))).reshape(count, -1)
