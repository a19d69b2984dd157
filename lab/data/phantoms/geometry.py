"""The film plane: where each pixel lies in the patient, and line integrals of point-sampled bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.data.phantoms.anatomy import Positioning

Map = npt.NDArray[np.float32]
AnyMap = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Plane:
    """The film plane. ``x`` and ``y`` (size, size) float32: patient centimetres under each pixel."""

    size: int
    pixel: float
    centre: tuple[float, float]
    tilt: float
    turn: float
    x: Map
    y: Map

    def splat(self, points: Map, weight: Map | float) -> Map:
        """Project points (n, 3) in cm, each standing for a volume ``weight`` in cm^3, along z.

        Returns the thickness in cm (size, size): every volume falls on one cell of a finer grid, which is then pooled.
        """
        fine = self.size * 2
        step = self.pixel / 2
        x = points[:, 0] + points[:, 2] * np.float32(np.tan(self.turn)) - np.float32(self.centre[0])
        y = points[:, 1] - np.float32(self.centre[1])
        c, s = np.float32(np.cos(self.tilt)), np.float32(np.sin(self.tilt))
        column = np.floor((c * x - s * y) / np.float32(step) + fine / 2).astype(np.int32)
        row = np.floor((s * x + c * y) / np.float32(step) + fine / 2).astype(np.int32)
        inside = (column >= 0) & (column < fine) & (row >= 0) & (row < fine)
        flat = row * fine + column
        mass = np.broadcast_to(np.asarray(weight, np.float32), inside.shape)[inside]
        total = np.bincount(flat[inside], weights=mass, minlength=fine * fine).reshape(fine, fine)
        halved = total[:, 0::2] + total[:, 1::2]
        pooled = halved[0::2] + halved[1::2]
        return (pooled / self.pixel**2).astype(np.float32)

    def depth_shift(self, z: float) -> float:
        """How far a structure at depth ``z`` cm moves sideways in the projection, cm."""
        return float(z * np.tan(self.turn))


def film_plane(position: Positioning, middle: float, size: int) -> Plane:
    """The plane of one film whose centre lies at ``y = middle`` cm for a perfectly centred patient."""
    pixel = position.field / size
    centre = (position.dx, middle + position.dy)
    steps = (np.arange(size, dtype=np.float32) + 0.5 - size / 2) * np.float32(pixel)
    across, down = np.meshgrid(steps, steps)
    c, s = np.float32(np.cos(position.tilt)), np.float32(np.sin(position.tilt))
    x = (c * across + s * down + np.float32(centre[0])).astype(np.float32)
    y = (-s * across + c * down + np.float32(centre[1])).astype(np.float32)
    return Plane(size, pixel, centre, position.tilt, position.turn, x, y)


def ellipsoid(
    x: Map, y: Map, centre: tuple[float, float], axes: tuple[float, float, float], tilt: float = 0.0
) -> Map:
    """Chord length (cm) along z through an ellipsoid with semi-axes (along, across, depth) turned by ``tilt``."""
    c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    u, v = x - np.float32(centre[0]), y - np.float32(centre[1])
    q = ((c * u + s * v) / np.float32(axes[0])) ** 2 + ((c * v - s * u) / np.float32(axes[1])) ** 2
    return np.float32(2 * axes[2]) * np.sqrt(np.clip(1 - q, 0, None, dtype=np.float32))


def smoothstep(value: AnyMap) -> Map:
    """The cubic step from 0 at 0 to 1 at 1, float32."""
    t = np.clip(value, 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def blurred(image: Map, sigma: float) -> Map:
    """Gaussian blur by ``sigma`` pixels; wide kernels run on a reduced grid, since they hold no fine detail."""
    from scipy import ndimage

    factor = 1
    while sigma / factor > 6 and image.shape[0] % (2 * factor) == 0:
        factor *= 2
    if factor == 1:
        return ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.0)
    h, w = image.shape
    small = image.reshape(h // factor, factor, w // factor, factor).mean((1, 3), dtype=np.float32)
    small = ndimage.gaussian_filter(small, sigma / factor, mode="nearest", truncate=3.0)
    return enlarged(small, factor)


def enlarged(small: Map, factor: int) -> Map:
    """Bilinear enlargement by a whole factor, pixel centres kept."""
    position = (np.arange(small.shape[0] * factor, dtype=np.float32) + 0.5) / factor - 0.5
    low = np.clip(np.floor(position).astype(int), 0, small.shape[0] - 2)
    part = np.clip(position - low, 0, 1).astype(np.float32)
    rows = small[low] * (1 - part)[:, None] + small[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def fractal(rng: np.random.Generator, size: int, slope: float, low: float) -> Map:
    """Noise (size, size) with amplitude falling as frequency ** -slope above ``low`` cycles a film, mean 0, SD 1."""
    fy, fx = np.fft.fftfreq(256) * 256, np.fft.rfftfreq(256) * 256
    radius = np.hypot(fy[:, None], fx[None])
    white = rng.standard_normal((256, 129)) + 1j * rng.standard_normal((256, 129))
    field = np.fft.irfft2(white / np.maximum(radius, low) ** slope * (radius > 0.5), s=(256, 256))
    field = ((field - field.mean()) / field.std()).astype(np.float32)
    if size == 256:
        return field
    from scipy import ndimage

    return ndimage.zoom(field, size / 256, order=1, mode="nearest", grid_mode=True).astype(np.float32)
