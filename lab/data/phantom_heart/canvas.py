"""The fine grid a slice is painted on: water and fat apart, each voxel covered by shares.

Coordinates are those of the heart, in mm: the origin on the long axis of the left ventricle, the septum to the left,
the anterior wall up. The picture's own turn and shift are already in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Window = tuple[slice, slice]
FINER = 2  # painted points a pixel, along each side


@dataclass(eq=False)
class Canvas:
    """What is painted.

    Attributes:
        x, y: (n, n) float32 mm.
        step: mm from one point to the next.
        water, fat: (n, n) float32 signal; `blood` the part of water that is blood.
    """

    x: Map
    y: Map
    step: float
    turn: float
    heart: tuple[float, float]
    water: Map
    fat: Map
    blood: Map

    @property
    def size(self) -> int:
        """Points a side."""
        return len(self.x)

    def window(self, x: float, y: float, radius: float) -> Window | None:
        """The points within `radius` mm of a place, as slices; None where none is on the canvas."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        column = (c * x - s * y + self.heart[0]) / self.step
        row = (s * x + c * y + self.heart[1]) / self.step
        reach = radius / self.step + 1
        low = [max(0, int(np.floor(place - reach))) for place in (row, column)]
        high = [min(self.size, int(np.ceil(place + reach))) for place in (row, column)]
        if low[0] >= high[0] or low[1] >= high[1]:
            return None
        return slice(low[0], high[0]), slice(low[1], high[1])

    def paint(
        self,
        cover: NDArray[Any],
        water: NDArray[Any] | float = 0.0,
        fat: NDArray[Any] | float = 0.0,
        blood: float = 0.0,
        at: Window | None = None,
    ) -> None:
        """Lay a tissue over what is there, by the share (0..1) of each point that it covers."""
        place = at if at is not None else (slice(None), slice(None))
        left = 1 - cover
        for plane, value in ((self.water, water), (self.fat, fat), (self.blood, blood)):
            part = plane[place]
            part *= left
            if not (isinstance(value, float) and value == 0.0):
                part += cover * np.asarray(value, np.float32)

    def disc(
        self, x: float, y: float, radii: tuple[float, float], tilt: float = 0.0, soft: float = 0.0
    ) -> tuple[Map, Window] | None:
        """Cover of an ellipse with two radii (along, across) turned by `tilt`."""
        at = self.window(x, y, max(radii) + soft)
        if at is None:
            return None
        c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
        u, v = self.x[at] - np.float32(x), self.y[at] - np.float32(y)
        q = np.sqrt(
            ((c * u + s * v) / np.float32(radii[0])) ** 2 + ((c * v - s * u) / np.float32(radii[1])) ** 2
        )
        return cover((q - 1) * np.float32(min(radii)), 1.4 * (self.step + soft)), at


def cover(distance: NDArray[Any], soft: NDArray[Any] | float) -> Map:
    """The share covered at a signed distance (mm, negative inside) from an edge that is `soft` mm wide."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.asarray(soft, np.float32), 0, 1), np.float32)


def pooled(fine: Map) -> Map:
    """Means over the points of each pixel."""
    parts = [fine[row::FINER, column::FINER] for row in range(FINER) for column in range(FINER)]
    return np.asarray(sum(parts[1:], parts[0]) / np.float32(FINER * FINER), np.float32)


def canvas_of(size: int, field: float, heart: tuple[float, float], turn: float) -> Canvas:
    """An empty canvas of `FINER` points a pixel.

    Args:
        size: pixels a side.
        field: mm a side.
        heart: where the long axis passes, mm from the upper left corner.
        turn: radians, clockwise on the screen, by which heart coordinates are turned.
    """
    points = size * FINER
    step = field / points
    place = (np.arange(points, dtype=np.float32) + np.float32(0.5)) * np.float32(step)
    across, down = np.meshgrid(place - np.float32(heart[0]), place - np.float32(heart[1]))
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    empty = [np.zeros((points, points), np.float32) for _ in range(3)]
    return Canvas(c * across + s * down, c * down - s * across, step, turn, heart, *empty)


class Grain:
    """Smooth noise by its wavelength, drawn once a wavelength and handed out turned, mirrored and shifted.

    Args:
        rng: of this slice.
        size: points a side; `step` mm from one to the next.
    """

    def __init__(self, rng: np.random.Generator, size: int, step: float) -> None:
        self.rng, self.size, self.step = rng, size, step
        self._drawn: dict[int, Map] = {}

    def at(self, wavelength: float) -> Map:
        """Noise (size, size), mean 0, SD near 1, whose waves are about so many mm long (6, 8, 11, 16, 23, ...)."""
        octave = round(2 * np.log2(max(wavelength, 4 * self.step)))
        if octave not in self._drawn:
            cells = max(4, round(2 * self.size * self.step / 2 ** (octave / 2)))
            nodes = self.rng.standard_normal((cells + 3, cells + 3)).astype(np.float32)
            weights = spline(self.size, cells)
            self._drawn[octave] = np.asarray(1.9 * (weights @ nodes @ weights.T), np.float32)
        found = self._drawn[octave]
        kind, down, across = (int(v) for v in self.rng.integers((8, self.size, self.size)))
        found = found.T if kind & 1 else found
        found = found[::-1] if kind & 2 else found
        found = found[:, ::-1] if kind & 4 else found
        return self._shifted(found, down, across, 2 ** (octave / 2))

    def _shifted(self, found: Map, down: int, across: int, wavelength: float) -> Map:
        """A shift would show a seam: long waves, which make it visible, stay where they are."""
        return found if wavelength > 9 else np.roll(found, (down, across), (0, 1))


def enlarge(nodes: Map, size: int, at: Window | None = None) -> Map:
    """A coarse map, sampled at cell centres, enlarged smoothly to (size, size), or to a window of that."""
    padded = np.pad(nodes, 2, mode="edge")
    weights = spline(size, len(nodes), 0.5)
    rows, columns = (weights, weights) if at is None else (weights[at[0]], weights[at[1]])
    return np.asarray(rows @ padded @ columns.T, np.float32)


@lru_cache(maxsize=64)
def spline(size: int, cells: int, shift: float = 0.0) -> Map:
    """(size, cells + 3 or 4) weights of cubic B-splines over `cells` cells."""
    width = cells + (4 if shift else 3)
    place = (np.arange(size) + 0.5) / size * cells + shift
    first = np.floor(place).astype(int)
    t = place - first
    weights = np.zeros((size, width), np.float32)
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    for number, part in enumerate(parts):
        weights[np.arange(size), np.minimum(first + number, width - 1)] += (part / 6).astype(np.float32)
    return weights
