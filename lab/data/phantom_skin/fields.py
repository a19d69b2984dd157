"""Random fields: fractal noise that repeats every 20 mm, meshes of warped waves, and the random streams behind them."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
TILE, PERIOD = 256, 20.0  # pixels and millimetres of one repeat


def stream(seed: int, use: str, *numbers: int) -> np.random.Generator:
    """The random numbers of one use: which other uses were drawn before makes no difference."""
    return np.random.default_rng([seed, crc32(use.encode()), *numbers])


def smoothstep(value: npt.NDArray[np.floating[Any]]) -> Map:
    """The cubic step from 0 at 0 to 1 at 1, float32."""
    t = np.clip(value, 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def tile(rng: np.random.Generator, slope: float, low: float = 1.0, high: float = 128.0) -> Map:
    """Periodic noise (256, 256), mean 0, SD 1, amplitude falling as frequency ** -slope.

    Args:
        low: cycles a period (20 mm) below which amplitude rises no further.
        high: cycles a period above which there is nothing.
    """
    down, across = np.fft.fftfreq(TILE) * TILE, np.fft.rfftfreq(TILE) * TILE
    radius = np.hypot(down[:, None], across[None]).astype(np.float32)
    white = rng.standard_normal((2, TILE, TILE // 2 + 1), dtype=np.float32)
    weight = np.maximum(radius, np.float32(low)) ** np.float32(-slope) * (radius > 0.5) * (radius <= high)
    field = np.fft.irfft2((white[0] + 1j * white[1]) * weight, s=(TILE, TILE)).astype(np.float32)
    return (field - field.mean()) / field.std()


def at(field: Map, x: Map, y: Map) -> Map:
    """A tile looked up at places in mm, bilinear, repeating."""
    import cv2

    scale = np.float32(TILE / PERIOD)
    # Periods are taken out here: cv2 counts a wrapped place from the far edge in whole pixels.
    column, row = np.mod(x * scale, TILE), np.mod(y * scale, TILE)
    return np.asarray(cv2.remap(field, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def mesh(x: Map, y: Map, spacing: float, turn: float, bends: tuple[Map, Map, Map]) -> Map:
    """Three plane waves at 60 degrees: 1 in the middle of holes some `spacing` mm apart, down to -0.5 between them.

    Args:
        bends: phases (radians) that noise adds to each wave: they make the holes uneven, and some of them merge.
    """
    k = np.float32(2 * np.pi / (spacing * np.sqrt(3) / 2))
    total = np.zeros_like(x)
    for number, bend in enumerate(bends):
        angle = turn + number * np.pi / 3
        total += np.cos(k * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y) + bend)
    return np.asarray(total / 3, np.float32)


def blurred(image: Map, sigma: float) -> Map:
    """Gaussian blur by `sigma` pixels, (H, W) or (H, W, 3)."""
    import cv2

    if sigma < 0.15:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
