"""From optical density to a camera's picture: white balance, uneven light, lens, tone curve, grain."""

from __future__ import annotations

import numpy as np

from lab.data.phantom_skin.fields import Map, blurred
from lab.data.phantom_skin.plan import Shot

# What fair skin looks like in five clinics: density in red, green, blue, and its SD between pictures, and contrast.
DEVICES: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...] = (
    ((0.28, 1.21, 1.16), (0.10, 0.13, 0.17), 1.08),  # orange-pink
    ((0.37, 0.88, 0.76), (0.15, 0.10, 0.12), 1.0),  # pale pink
    ((0.68, 1.11, 0.92), (0.13, 0.14, 0.14), 0.98),  # violet-grey
    ((0.22, 0.54, 0.44), (0.13, 0.13, 0.14), 1.1),  # bright
    ((0.64, 1.49, 1.50), (0.20, 0.22, 0.28), 1.0),  # dim and warm
)
BRIGHTEST = np.array([0.15, 0.38, 0.30])  # skin is never burnt out


def balance(device: int, rng: np.random.Generator) -> Map:
    """(3,) density of fair skin as this camera shows it this time; the channels go up and down together."""
    mean, spread, _ = DEVICES[device]
    common, green, own = rng.standard_normal(), rng.standard_normal(), rng.standard_normal(3)
    shift = np.array([0.55 * common, 0.5 * common + 0.8 * green, 0.4 * common + 0.75 * green])
    density = np.array(mean) + np.array(spread) * (shift + 0.4 * own)
    return np.asarray(np.maximum(density, BRIGHTEST), np.float32)


def shade(size: int, shot: Shot) -> Map:
    """Density that uneven light adds, (size, size): a slope, and darker corners."""
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    across, down = np.meshgrid(steps, steps)
    right, below, corner = (np.float32(value) for value in shot.shade)
    r2 = across * across + down * down
    return right * across + below * down + corner * (np.float32(0.6) * r2 + np.float32(0.4) * r2 * r2 - 0.35)


def cast(size: int, shot: Shot) -> Map:
    """Blue light that is lost more on one side than on the other, (size, size): two lamps are never alike."""
    steps = np.linspace(-1, 1, size, dtype=np.float32)
    return np.float32(shot.slant[0]) * steps[None] + np.float32(shot.slant[1]) * steps[:, None]


def to_srgb(linear: Map) -> Map:
    """Linear light 0..1 to sRGB 0..255, float32."""
    v = np.clip(linear, 0, 1)
    curve = np.where(v > 0.0031308, 1.055 * v ** np.float32(1 / 2.4) - 0.055, 12.92 * v)
    return np.asarray(curve * 255, np.float32)


def expose(linear: Map, shot: Shot, size: int) -> Map:
    """Through the lens and the tone curve: sRGB (size, size, 3), 0..255, before grain.

    Lens and demosaicking soften; a camera sharpens again, which leaves faint halos; colour is softer than brightness.
    """
    scale = size / 192
    image = to_srgb(blurred(linear, shot.blur * scale))
    image = image + np.float32(0.35) * (image - blurred(image, 1.6 * scale))
    grey = image.mean(axis=2, keepdims=True)
    return grey + blurred(image - grey, 0.9 * scale)


def grain(size: int, shot: Shot, rng: np.random.Generator) -> Map:
    """Sensor noise as it is left after JPEG, (size, size, 3), grey levels."""
    white = rng.standard_normal((size, size, 4), dtype=np.float32)
    soft = blurred(white, 0.6)
    return np.float32(1.9 * shot.noise) * (soft[..., :1] + np.float32(0.35) * soft[..., 1:])
