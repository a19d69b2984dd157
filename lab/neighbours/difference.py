"""The difference of two films after registration, in NumPy alone: the web process draws it without torch.

The pose is searched as the detector of `registered.py` does: mirrored or not, three scales, three angles, small
shifts, by normalised correlation of the central window at 48 px.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.pixels import resize
from lab.neighbours.lowres import SIDE
from lab.neighbours.registered import ANGLES, SCALES, SHIFTS, WINDOW, Variant

# A difference of this share of the reference's own range is drawn full black or full white.
FULL_SCALE = 0.5
MAX_SIDE = 1024
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Difference:
    """A registered difference.

    Attributes:
        image: (H, W) uint8 of the reference's shape, at most 1,024 px a side; 128 is equal, brighter where the
            sample is brighter.
        variant: how the sample was turned to match.
        correlation: of the central windows at 48 px, -1..1.
    """

    image: NDArray[np.uint8]
    variant: Variant
    correlation: float


def registered_difference(sample: NDArray[Any], reference: NDArray[Any]) -> Difference:
    """Register the sample to the reference and subtract.

    Args:
        sample, reference: uint8 or uint16, (H, W) or (H, W, 3), any sizes; compared as grey.

    Returns:
        The difference after a linear match of the sample's greys to the reference's, so that another window alone
        shows nothing.
    """
    variant, correlation = best_variant(sample, reference)
    target = _within(_grey8(reference)).astype(np.float64)
    source = _grey8(sample)
    if max(source.shape) > max(target.shape):
        source = resize(source, (target.shape[0], target.shape[1]))
    moved = warp(source.astype(np.float64), variant, target.shape)
    spread = moved.std()
    gain = (
        float(np.mean((moved - moved.mean()) * (target - target.mean())) / spread**2)
        if spread > 1e-6
        else 0.0
    )
    delta = (moved - moved.mean()) * max(gain, 0.0) + target.mean() - target
    low, high = np.percentile(target, (1, 99))
    scale = 127.0 / (FULL_SCALE * max(high - low, 1.0))
    image = np.clip(np.rint(128 + delta * scale), 0, 255).astype(np.uint8)
    return Difference(image, variant, correlation)


def best_variant(sample: NDArray[Any], reference: NDArray[Any]) -> tuple[Variant, float]:
    """The pose of the sample that correlates best with the reference, and that correlation."""
    small = resize(_grey8(sample), SIDE).astype(np.float64)
    edge = (SIDE - WINDOW) // 2
    wanted = _normal(
        resize(_grey8(reference), SIDE).astype(np.float64)[edge : SIDE - edge, edge : SIDE - edge]
    )
    best = (Variant(False, 1.0, 0.0, (0, 0)), -2.0)
    for flipped, scale, angle in product((False, True), SCALES, ANGLES):
        posed = warp(small, Variant(flipped, scale, angle, (0, 0)), small.shape)
        for dy, dx in product(SHIFTS, SHIFTS):
            cut = posed[edge + dy : edge + dy + WINDOW, edge + dx : edge + dx + WINDOW]
            found = float(np.sum(_normal(cut) * wanted))
            if found > best[1] + 1e-9:
                best = (Variant(flipped, scale, angle, (dx, dy)), found)
    return best


def warp(image: NDArray[np.float64], variant: Variant, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The image posed by a variant on a grid of `shape`, bilinear, its edge repeated outside.

    Args:
        image: (h, w) of any size.
        variant: scale, angle and mirror about the middle, then the shift in 48ths of the image.
        shape: (H, W) of the result, whatever the size of `image`.
    """
    rows, columns = shape
    v = ((np.arange(rows) + 0.5) / rows - 0.5) * SIDE + variant.shift[1]
    u = ((np.arange(columns) + 0.5) / columns - 0.5) * SIDE + variant.shift[0]
    turn = np.deg2rad(variant.angle)
    x = (u[None] * np.cos(turn) + v[:, None] * np.sin(turn)) / variant.scale
    y = (v[:, None] * np.cos(turn) - u[None] * np.sin(turn)) / variant.scale
    x = (-x if variant.flipped else x) / SIDE + 0.5
    return _bilinear(image, y / SIDE + 0.5, x)


def _grey8(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey, stretched to 8 bits over the film's own range: registration and match are blind to the window."""
    grey = (
        image.astype(np.float32)
        if image.ndim == 2
        else image.astype(np.float32) @ np.asarray(_LUMA, dtype=np.float32)
    )
    low, high = np.percentile(grey[:: max(1, len(grey) // 512)], (0.1, 99.9))
    return np.asarray(np.clip((grey - low) * (255 / max(high - low, 1e-6)), 0, 255).round().astype(np.uint8))


def _within(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = MAX_SIDE / max(image.shape)
    if factor >= 1:
        return image
    return np.asarray(
        resize(image, (max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor))))
    )


def _bilinear(
    image: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    height, width = image.shape
    fy = np.clip(y * height - 0.5, 0, height - 1)
    fx = np.clip(x * width - 0.5, 0, width - 1)
    top, left = np.floor(fy).astype(np.intp), np.floor(fx).astype(np.intp)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    fy, fx = fy - top, fx - left
    upper = image[top, left] * (1 - fx) + image[top, right] * fx
    lower = image[bottom, left] * (1 - fx) + image[bottom, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def _normal(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = cut - cut.mean()
    norm = float(np.linalg.norm(centred))
    return centred / norm if norm > 1e-6 else np.zeros_like(centred)
