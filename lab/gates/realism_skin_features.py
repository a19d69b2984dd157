"""Four ways of looking at skin pictures, two of them without anything learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.features.extractor import as_grey8
from lab.features.extractors import COLOUR, DEFAULT, SECOND, get_extractor
from lab.gates.realism_films import Tick
from lab.gates.realism_texture import describe, standardised, texture_digest

Floats = NDArray[np.float64]
NETWORK, NETWORK_2 = "EfficientNet-Lite0", "EfficientNet-Lite2"
COLOUR_TEXTURE, SCATTERING = "colour and texture", "oriented scattering"
EXTRACTORS = {NETWORK: DEFAULT, NETWORK_2: SECOND, COLOUR_TEXTURE: COLOUR}
BATCH = 20


def features_of(
    images: dict[str, NDArray[np.uint8]],
    real: tuple[str, ...],
    tick: Tick,
    embedded: tuple[str, ...] = tuple(EXTRACTORS),
) -> dict[str, dict[str, Floats]]:
    """Features of every set by every extractor.

    Colour-texture descriptors and scattering have no scale of their own: they are brought to that of the real
    pictures (`realism_texture.standardised`). Scattering sees grey levels.

    Args:
        images: set to (n, size, size, 3) uint8; size divisible by 4.
        real: which sets give the scale.
        embedded: which of `EXTRACTORS` to use beside scattering.

    Returns:
        extractor to set to (n, d) float64.

    Raises:
        WeightsError: when the weights of a network are missing or damaged.
    """
    found: dict[str, dict[str, Floats]] = {}
    for name in embedded:
        record = EXTRACTORS[name]
        found[name] = {
            part: _embed(pictures, record, f"{part}, {name}", tick) for part, pictures in images.items()
        }
    if COLOUR_TEXTURE in found:
        found[COLOUR_TEXTURE] = standardised(found[COLOUR_TEXTURE], real)
    grey = {part: np.stack([_grey(image) for image in pictures]) for part, pictures in images.items()}
    found[SCATTERING] = standardised({part: describe(pictures) for part, pictures in grey.items()}, real)
    return found


def feature_digests() -> dict[str, str]:
    """Digests of the extractors."""
    return {name: get_extractor(record).digest for name, record in EXTRACTORS.items()} | {
        SCATTERING: texture_digest()
    }


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.rint(as_grey8(image)).astype(np.uint8)


def _embed(images: NDArray[np.uint8], record: str, name: str, tick: Tick) -> Floats:
    from lab.device import CPU
    from lab.features.loaded import LoadedExtractor
    from lab.features.records import get_record

    extractor = LoadedExtractor(get_record(record), CPU)
    out = []
    for start in range(0, len(images), BATCH):
        out.append(extractor.embed(list(images[start : start + BATCH])))
        tick(f"Features of {name}", min(start + BATCH, len(images)), len(images))
    return np.concatenate(out).astype(np.float64)
