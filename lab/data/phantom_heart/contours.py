"""The contours of a heart's slice in polar coordinates: what the mask follows and what the eye sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_heart.canvas import Canvas, Map, Window
from lab.data.phantom_heart.shape import ANGLES, Heart, Slice, angles

Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Polar:
    """A window of the canvas in polar coordinates about the long axis; `low`, `part` index the tables of angles."""

    at: Window
    radius: Map
    low: NDArray[np.int32]
    part: Map

    def read(self, table: Table) -> Map:
        """A table (ANGLES,) at every point, linearly between its entries."""
        values = table.astype(np.float32)
        step = np.roll(values, -1) - values
        return np.asarray(values[self.low] + step[self.low] * self.part)


def polar(canvas: Canvas, centre: tuple[float, float], radius: float) -> Polar:
    """The window within `radius` mm of the long axis."""
    at = canvas.window(*centre, radius)
    assert at is not None  # noqa: S101 - the heart always lies in the picture
    x, y = canvas.x[at] - np.float32(centre[0]), canvas.y[at] - np.float32(centre[1])
    phi = np.arctan2(-y, -x)  # 0 at the septum, which lies to the left, a quarter turn at the top
    place = (phi / np.float32(2 * np.pi) + np.float32(0.5)) * ANGLES - np.float32(0.5)
    low = np.floor(place).astype(np.int32)
    return Polar(at, np.sqrt(x * x + y * y), low % ANGLES, place - low)


@dataclass(frozen=True, eq=False)
class Contours:
    """Contours of a slice in mm by angle: what the mask follows, and what the eye sees of the endocardium."""

    endo: Table
    epi: Table
    right: Table  # outer edge of the right cavity, epi where there is none
    outer: Table  # outer edge of the heart
    seen: Table  # endocardium between the trabeculae
    centre: tuple[float, float]


def contours_of(heart: Heart, cut: Slice) -> Contours:
    """The contours of one slice; above the valve plane the left atrium's, with a thin wall."""
    endo, epi = cut.endo, cut.epi
    above = min(1.0, max(0.0, -cut.height / 0.06))
    if above:
        epi = epi + above * (endo * 0.95 + 2.2 - epi)
        endo = endo * (1 - 0.05 * above)
    right = epi + cut.crescent
    wall = heart.patient.rv_wall * (1 + 0.35 * cut.squeeze) * np.clip(cut.crescent / 4.0, 0, 1)
    depth = np.clip(0.3 + cut.height, 0.25, 1.0) * (2.0 + 1.0 * cut.squeeze) * (1 - above)
    waves = heart.roughness
    turn = round(cut.twist / (2 * np.pi) * ANGLES)
    relief = np.roll(0.55 * waves[0] + 0.7 * waves[1] + 0.5 * waves[2], turn)
    free = 1 - 0.75 * np.exp(-((angles() / 0.8) ** 2))  # the septum is smooth
    seen = endo - np.minimum(depth * free * np.clip(relief + 0.35, 0, None), 0.45 * endo)
    drift = np.array([-2.5, 1.5]) * (cut.height - 0.5) + np.array([-1.5, 0.8]) * cut.squeeze
    return Contours(endo, epi, right, right + wall, seen, (float(drift[0]), float(drift[1])))


def sheath_of(lines: Contours, fat: float, height: float, rng: np.random.Generator) -> Table:
    """The pericardium: the heart's outline with its grooves filled, and fat, most of it beside the right ventricle."""
    phi = angles()
    wide = np.max([np.roll(lines.outer, shift) for shift in range(-10, 11, 2)], axis=0)
    smooth = np.mean([np.roll(wide, shift) for shift in range(-12, 13, 2)], axis=0)
    grooves = np.exp(-(((phi - 1.25) / 0.45) ** 2)) + np.exp(-(((phi + 1.2) / 0.4) ** 2))
    free = 0.5 + 0.5 * np.cos(phi - 0.35)
    uneven = 1 + sum(0.45 * np.cos(k * phi + rng.uniform(0, 6.3)) for k in (2, 3, 5, 7))
    depth = fat * (0.6 + 3.4 * grooves + 2.4 * free**2) * np.clip(uneven, 0.05, 2.5) * (1.15 - 0.3 * height)
    lowest = np.maximum(lines.outer, 0.4 * lines.outer + 0.6 * smooth)
    return np.asarray(lowest + 0.6 + depth)
