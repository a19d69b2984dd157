"""Canaries: planted copies of training films, altered as a copying generator might, that must be found.

Each kind is a function of (film, random generator) to film; films are uint8 or uint16, (H, W) or (H, W, 3),
and the result has the same type and shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.intervals import Share

Image = NDArray[Any]
Canary = Callable[[Image, np.random.Generator], Image]

CROP = 0.05
TURN = 3.0
NOISE = 8.0
WINDOW = (0.15, 0.80)
THROUGH_VAE = "through the VAE"


@dataclass(frozen=True)
class CanaryRate:
    """How many planted copies of one kind were called near-copies.

    Args:
        found: share with verdict p <= 0.01.
        by_detector: the same share for each detector alone, at its own p <= 0.01.
        source_first: share whose first shown neighbour is the film they were made from.
    """

    kind: str
    found: Share
    by_detector: Mapping[str, Share]
    source_first: Share


def kinds(vae: Callable[[Image], Image] | None = None) -> dict[str, Canary]:
    """The kinds of canary, in the order they are shown.

    Args:
        vae: the generator's own round trip, image to image; without it that kind is absent.
    """
    known: dict[str, Canary] = {
        "exact": lambda film, rng: film,
        "flipped": lambda film, rng: np.ascontiguousarray(film[:, ::-1]),
        "cropped": _cropped,
        "rotated": _rotated,
        "re-windowed": _rewindowed,
        "noised": _noised,
        "resampled": _resampled,
    }
    if vae is not None:
        round_trip = vae
        known[THROUGH_VAE] = lambda film, rng: round_trip(film)
    return known


def _cropped(film: Image, rng: np.random.Generator) -> Image:
    """5 % of the width and height cut from every side, enlarged back."""
    top, left = round(CROP * film.shape[0]), round(CROP * film.shape[1])
    return _resized(film[top : film.shape[0] - top, left : film.shape[1] - left], film.shape[:2])


def _rotated(film: Image, rng: np.random.Generator) -> Image:
    """3 degrees, one way or the other, corners filled with the nearest edge pixel."""
    from scipy.ndimage import rotate

    angle = TURN if rng.random() < 0.5 else -TURN
    turned = rotate(film.astype(np.float32), angle, axes=(1, 0), reshape=False, order=1, mode="nearest")
    return _like(turned, film)


def _rewindowed(film: Image, rng: np.random.Generator) -> Image:
    """Window from 15 % to 80 % of the film's grey range, both ends clipped."""
    low, high = float(film.min()), float(film.max())
    width = max(high - low, 1.0)
    start, stop = low + WINDOW[0] * width, low + WINDOW[1] * width
    top = np.iinfo(film.dtype).max
    return _like((film.astype(np.float32) - start) / (stop - start) * top, film)


def _noised(film: Image, rng: np.random.Generator) -> Image:
    """Uniform noise of +-8 grey levels of 256."""
    reach = NOISE * np.iinfo(film.dtype).max / 255.0
    return _like(film + rng.uniform(-reach, reach, film.shape), film)


def _resampled(film: Image, rng: np.random.Generator) -> Image:
    """Halved in size and enlarged back."""
    half = (max(1, film.shape[0] // 2), max(1, film.shape[1] // 2))
    return _resized(_resized(film, half), film.shape[:2])


def _resized(film: Image, shape: tuple[int, ...]) -> Image:
    import torch

    planes = film[None] if film.ndim == 2 else film.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]
    small = torch.nn.functional.interpolate(tensor, tuple(shape), mode="bicubic", antialias=True)[0].numpy()
    return _like(small[0] if film.ndim == 2 else small.transpose(1, 2, 0), film)


def _like(values: NDArray[Any], film: Image) -> Image:
    """Values rounded and clipped to the type of `film`."""
    top = np.iinfo(film.dtype).max
    return np.ascontiguousarray(np.clip(np.rint(values), 0, top).astype(film.dtype))
