"""Where a picture looks: the millimetres under each pixel, and marks drawn at places given in millimetres."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.data.phantom_skin.fields import Map, smoothstep

FINE = 4  # strokes are drawn on a grid so many times finer


@dataclass(frozen=True, eq=False)
class Frame:
    """The view of one picture.

    Attributes:
        size: pixels a side.
        pixel: millimetres a pixel.
        turn: radians by which the dermatoscope is turned about the lesion.
        centre: mm of the lesion's plane that lies in the middle of the picture.
        squeeze: the picture's height over its width, for a lens that stands a little aslant.
        x, y: (size, size) float32, mm; 0, 0 is the middle of the lesion.
    """

    size: int
    pixel: float
    turn: float
    centre: tuple[float, float]
    squeeze: float
    x: Map
    y: Map

    def pixels(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n, 2) places in mm as (n, 2) column and row."""
        dx, dy = points[:, 0] - self.centre[0], points[:, 1] - self.centre[1]
        c, s = np.cos(self.turn), np.sin(self.turn)
        across, down = (c * dx - s * dy) / self.pixel, (s * dx + c * dy) / (self.pixel * self.squeeze)
        return np.stack([across, down], axis=1) + (self.size - 1) / 2


def make_frame(size: int, field: float, turn: float, centre: tuple[float, float], squeeze: float) -> Frame:
    """A view `field` mm wide."""
    pixel = field / size
    steps = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) * np.float32(pixel)
    across, down = np.meshgrid(steps, steps * np.float32(squeeze))
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x = c * across + s * down + np.float32(centre[0])
    y = -s * across + c * down + np.float32(centre[1])
    return Frame(size, pixel, turn, centre, squeeze, x.astype(np.float32), y.astype(np.float32))


def discs(
    frame: Frame,
    warped: tuple[Map, Map],
    centres: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    turns: npt.NDArray[np.float64],
    soft: float,
    strengths: npt.NDArray[np.float64] | None = None,
) -> Map:
    """The strongest of soft-edged ellipses at each pixel, (size, size), 0 to 1.

    Args:
        warped: x and y in mm, for edges that are not quite elliptic.
        centres: (n, 2) mm. axes: (n, 2) half axes, mm. turns: (n,) radians.
        soft: share of the radius over which the edge fades.
    """
    out = np.zeros_like(frame.x)
    bent = max(float(np.abs(warped[0] - frame.x).max()), float(np.abs(warped[1] - frame.y).max()))
    for number, (column, row) in enumerate(frame.pixels(centres)):
        reach = float(axes[number].max()) * (1.0 + soft) / frame.pixel + bent / frame.pixel + 2
        top, left = max(int(row - reach), 0), max(int(column - reach), 0)
        part = (slice(top, int(row + reach) + 2), slice(left, int(column + reach) + 2))
        if row + reach < 0 or column + reach < 0 or out[part].size == 0:
            continue
        u, v = (
            warped[0][part] - np.float32(centres[number, 0]),
            warped[1][part] - np.float32(centres[number, 1]),
        )
        c, s = np.float32(np.cos(turns[number])), np.float32(np.sin(turns[number]))
        radius = np.hypot(
            (c * u + s * v) / np.float32(axes[number, 0]), (c * v - s * u) / np.float32(axes[number, 1])
        )
        value = smoothstep((1 + soft / 2 - radius) / max(soft, 1e-3))
        if strengths is not None:
            value = value * np.float32(strengths[number])
        out[part] = np.maximum(out[part], value)
    return out


def strokes(
    size: int, paths: Sequence[npt.NDArray[np.float64]], widths: Sequence[npt.NDArray[np.float64]]
) -> Map:
    """Curves as the share of each pixel they cover, (size, size), 0 to 1.

    Args:
        paths: each (n, 2) column and row in pixels.
        widths: each (n,) pixels; thin ends taper.
    """
    import cv2

    canvas = np.zeros((size * FINE, size * FINE), np.uint8)
    for path, width in zip(paths, widths, strict=True):
        places = np.rint(((path + 0.5) * FINE - 0.5) * 16).astype(np.int32)
        thick = np.maximum(np.rint(width * FINE), 1).astype(int)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(thick)) + 1, [len(path) - 1]])
        for first, last in itertools.pairwise(starts):
            if last > first:
                piece = [places[first : last + 1].reshape(-1, 1, 2)]
                cv2.polylines(canvas, piece, False, 255, int(thick[first]), cv2.LINE_AA, 4)
    small = canvas.reshape(size, FINE, size, FINE).mean(axis=(1, 3), dtype=np.float32)
    return small / np.float32(255)
