"""How the feature-space map looks: shapes and colours of its layers, colours of categories, lines of density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme
from lab.charts.theme import Side

OTHER = "others"
SCALE = ("#3b528b", "#21908c", "#5dc863", "#fde725")
SAMPLE_SYMBOLS = ("triangle-up", "square", "star", "cross", "pentagon", "triangle-down")
SAMPLE_COLOURS = ("#f5a742", "#f08db0", "#e3dc6a", "#c9a2f2", "#f2777a", "#ffffff")
SHARES = (0.25, 0.5, 0.75)
_SIZES: dict[Side, float] = {"train": 5.5, "held-out": 5.5, "sample": 12.0}
_OPACITY: dict[Side, float] = {"train": 0.6, "held-out": 0.55, "sample": 1.0}


@dataclass(frozen=True)
class LayerLook:
    """One layer of the map.

    Args:
        name: its words in the legend.
        symbol: Plotly marker symbol; the shape always tells the layer, whatever the colour tells.
        colour: "#rrggbb".
        size: in pixels, for a map of a few thousand points.
        opacity: 0..1.
    """

    name: str
    symbol: str
    colour: str
    size: float
    opacity: float


def layer_looks(sides: Sequence[Side], names: Sequence[str]) -> list[LayerLook]:
    """A look for each layer: training images muted, held-out images of another shape, samples large and bright.

    Args:
        sides: side of each layer; every sample layer gets a shape and a colour of its own, in turn.
        names: words of each layer.
    """
    looks, samples = [], 0
    for side, name in zip(sides, names, strict=True):
        mark = theme.MARKS[side]
        symbol, colour = mark.symbol, mark.colour
        if side == "sample":
            symbol = SAMPLE_SYMBOLS[samples % len(SAMPLE_SYMBOLS)]
            colour = SAMPLE_COLOURS[samples % len(SAMPLE_COLOURS)]
            samples += 1
        looks.append(LayerLook(name, symbol, colour, _SIZES[side], _OPACITY[side]))
    return looks


@dataclass(frozen=True, eq=False)
class Categories:
    """Categories of points as small numbers: codes (n,) uint8 into names and colours; the last may be "others"."""

    codes: NDArray[np.uint8]
    names: tuple[str, ...]
    colours: tuple[str, ...]


def categories(values: Sequence[str], first: Sequence[str] = ()) -> Categories:
    """The most frequent categories in the theme's colours, the rest together in grey.

    Args:
        values: (n,) the category of each point; "" is "none".
        first: categories to name whatever their frequency, such as those of a selection.
    """
    words = np.asarray([value or "none" for value in values], dtype=object)
    found, places, counts = np.unique(words.astype(str), return_inverse=True, return_counts=True)
    wanted = {str(name): rank for rank, name in enumerate(first)}
    order = sorted(range(len(found)), key=lambda at: (wanted.get(str(found[at]), len(wanted)), -counts[at]))
    most = len(theme.LABELS) - 1
    shown = order[:most] if len(order) > len(theme.LABELS) else order
    code = np.full(len(found), len(shown), dtype=np.uint8)
    code[shown] = np.arange(len(shown), dtype=np.uint8)
    names = [str(found[at]) for at in shown]
    if len(shown) < len(order):
        names.append(f"{len(order) - len(shown)} {OTHER}")
    colours = [*theme.LABELS[: len(shown)], *([theme.LABELS[-1]] if len(shown) < len(order) else [])]
    return Categories(code[places], tuple(names), tuple(colours))


def grid_corners(points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (2,), (2,) of a grid over points (n, 2), with room around them so that no line is cut off."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    room = 0.15 * np.maximum(high - low, 1e-6)
    return low - room, high + room


def mass_grid(
    points: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating], cells: int = 90
) -> NDArray[np.float32]:
    """Where the points of a layer are dense: for each cell, the share of all points in cells at least as dense.

    A line at 0.5 encloses the densest half of the layer.

    Args:
        points: (n, 2).
        low, high: (2,) corners of the grid.

    Returns:
        (cells, cells) float32 in 0..1, rows upwards; all 1 without points.
    """
    if not len(points):
        return np.ones((cells, cells), np.float32)
    edges = [np.linspace(low[axis], high[axis], cells + 1) for axis in (0, 1)]
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(edges[1], edges[0]))
    width = max(1.0, cells / 12 * len(points) ** (-1 / 6))
    reach = np.arange(-int(3 * width), int(3 * width) + 1)
    kernel = np.exp(-0.5 * (reach / width) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, mode="same")
    flat = counts.ravel()
    order = np.argsort(-flat, kind="stable")
    share = np.empty(flat.size)
    share[order] = np.cumsum(flat[order]) / max(float(flat.sum()), 1e-12)
    return np.asarray(share.reshape(counts.shape), dtype=np.float32)
