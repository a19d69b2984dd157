"""From tissue to picture: field error and bands, coils, k-space, noise, zero filling, magnitude, window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_heart.body import Surroundings
from lab.data.phantom_heart.canvas import FINER, Canvas, Map, enlarge, pooled
from lab.data.phantom_heart.signal import TURNS, level, profiles
from lab.data.phantom_heart.vendors import Scan

COARSE = 32
Complex = NDArray[np.complex64]


def acquire(canvas: Canvas, scan: Scan, around: Surroundings, rng: np.random.Generator) -> Map:
    """The magnitude picture (size, size) float32 that a scanner makes of a canvas, blood near 1 at the heart.

    Args:
        around: where lung is, and how tissue bends the field.
        rng: of the noise.
    """
    bend = np.float32(0.1 * scan.sequence.tesla * scan.sequence.tr)
    theta = field_error(canvas, scan) + bend * (around.lung + np.float32(0.85) * around.bend)
    theta -= (
        np.float32(0.85) * theta[canvas.window(0.0, 0.0, 40.0)].mean()
    )  # the frequency is set on the heart
    place = ((theta / np.float32(2 * np.pi) + np.float32(0.5)) * TURNS).astype(np.int32) % TURNS
    blood, water, fat = (table[place] for table in profiles(scan.sequence))
    signal = canvas.blood * (blood - water)
    signal += water
    signal *= canvas.water
    signal += fat * canvas.fat
    signal *= np.float32(1 / level(scan.sequence, "blood")) * sensitivity(canvas, scan)
    points = canvas.size
    if scan.ghost > 0:
        shift = int(points * 0.27)
        pulsing = np.roll(canvas.blood * signal, shift, axis=0 if scan.phase_down else 1)
        signal = signal + np.float32(scan.ghost) * pulsing * np.complex64(np.exp(1.1j))
    return reconstruct(signal, scan, rng) * edge_of(points // FINER, scan.edge)


def edge_of(size: int, kind: str) -> Map:
    """What a vendor blackens when it corrects for bent gradients: (size, size), 1 inside.

    Args:
        kind: "disc", all beyond a circle; "drawn in", upright edges that bend inwards; "none".
    """
    place = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    x, y = np.meshgrid(place, place)
    if kind == "disc":
        return (np.hypot(x, y) < 0.515).astype(np.float32)
    if kind == "drawn in":
        return (np.abs(x) < 0.5 - 0.05 * (1 - 4 * y * y)).astype(np.float32)
    return np.ones((size, size), np.float32)


def field_error(canvas: Canvas, scan: Scan) -> Map:
    """The turn (radians a repetition) of a shimmed but imperfect field: a quadratic, small at the heart."""
    x, y = _coarse(canvas)
    a, b, c, d, e, f = scan.shim
    total = 0.35 * a + b * x + c * y + d * x * y + e * x * x + f * y * y
    return enlarge(total.astype(np.float32), canvas.size)


def sensitivity(canvas: Canvas, scan: Scan) -> Map:
    """How strongly the coils receive from each place: near the chest wall and the back more, unless evened out."""
    x, y = _coarse(canvas)
    total = np.zeros_like(x)
    for at, gain in (
        ((-0.85, -0.5), 1.0),
        ((-0.95, 0.5), 1.0),
        ((0.2, -1.3), 0.45),
        ((1.3, 0.4), 0.5),
        ((0.4, 1.5), 0.5),
    ):
        total += gain / (0.32 + (x - at[0]) ** 2 + (y - at[1]) ** 2) ** 1.2
    middle = total.ravel()[np.argmin(x**2 + y**2)]
    even = (total / middle) ** np.float32(scan.coil)
    even *= 1 - scan.middle * np.exp(-(x**2 + (y - 0.2) ** 2) / 0.5)
    return enlarge(even.astype(np.float32), canvas.size)


def reconstruct(signal: Complex, scan: Scan, rng: np.random.Generator) -> Map:
    """Sample k-space as far as the resolution asks, add noise, filter, fill with zeros, take the magnitude."""
    from scipy import fft

    points = len(signal)
    across, down = (scan.across, scan.down) if scan.phase_down else (scan.down, scan.across)
    rows, columns = (_samples(scan.field, width, points) for width in (down, across))
    whole = fft.fft2(signal)
    kept_rows, kept_columns = _kept(rows, points), _kept(columns, points)
    part = whole[np.ix_(kept_rows, kept_columns)]
    filters = [_roll_off(count, scan.roll_off) for count in (rows, columns)]
    # Noise is told against blood in a voxel of 1.7 mm; finer voxels hold less signal.
    spread = scan.noise * 2.9 / (scan.across * scan.down) * points**2 / np.sqrt(rows * columns)
    noise = rng.standard_normal((2, rows, columns), dtype=np.float32) * np.float32(spread)
    part = part + (noise[0] + 1j * noise[1])
    part = part * (filters[0][:, None] * filters[1][None, :])
    filled = np.zeros((points, points), np.complex64)
    filled[np.ix_(kept_rows, kept_columns)] = part
    magnitude = np.abs(fft.ifft2(filled, overwrite_x=True))
    return pooled(magnitude)


def windowed(picture: Map, limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Grey values 0..255 between two signals."""
    low, high = limits
    return np.clip(np.rint((picture - low) * (255 / max(high - low, 1e-6))), 0, 255).astype(np.uint8)


def limits_of(picture: Map, top: float) -> tuple[float, float]:
    """The window of a picture: half a percentile to `top`."""
    low, high = np.percentile(picture, (0.5, top))
    return float(low), float(high)


def _coarse(canvas: Canvas) -> tuple[Map, Map]:
    """Heart coordinates in units of 100 mm on a coarse grid."""
    step = canvas.size / COARSE
    nodes = ((np.arange(COARSE) + 0.5) * step).astype(int)
    grid = np.ix_(nodes, nodes)
    return canvas.x[grid] / 100, canvas.y[grid] / 100


def _samples(field: float, width: float, points: int) -> int:
    return min(round(field / width / 2) * 2, points)


def _kept(count: int, points: int) -> NDArray[np.int64]:
    order = np.arange(-(count // 2), count - count // 2)
    return order % points


def _roll_off(count: int, strength: float) -> Map:
    """A raised cosine over k-space, 1 in the middle and 1 - strength at the edge, in the order of `_kept`."""
    place = np.arange(-(count // 2), count - count // 2) / (count / 2)
    start = 0.5
    edge = np.clip((np.abs(place) - start) / (1 - start), 0, 1)
    return (1 - strength * (0.5 - 0.5 * np.cos(np.pi * edge))).astype(np.float32)
