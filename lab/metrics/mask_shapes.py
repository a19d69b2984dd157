"""Label maps: overlap, distance of borders, area, roundness, pieces, and which structure lies inside which."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shape = NDArray[np.bool_]
LabelMap = NDArray[np.integer]
Floats = NDArray[np.float64]
ENCLOSED = 0.99


def dice(first: Shape, second: Shape) -> float:
    """Twice the shared pixels over the sum of both; 1 for two empty shapes."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else 1.0


def hausdorff95(first: Shape, second: Shape) -> float:
    """The larger of both 95th percentiles of border distances, in pixels; as MONAI to 1e-5.

    0 for two empty shapes, infinite where one is empty.
    """
    from scipy.ndimage import distance_transform_edt

    if not first.any() or not second.any():
        return 0.0 if not first.any() and not second.any() else math.inf
    around = box(first | second)
    ours, theirs = border(first[around]), border(second[around])
    there, back = distance_transform_edt(~theirs)[ours], distance_transform_edt(~ours)[theirs]
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def box(shape: Shape) -> tuple[slice, slice]:
    """The part of the picture that holds a shape, a pixel wider where the picture goes on; all of an empty one."""
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    if not len(rows):
        return slice(0, None), slice(0, None)
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def border(shape: Shape) -> Shape:
    """Pixels of a shape that touch the outside over an edge; the outside of the picture counts."""
    from scipy.ndimage import binary_erosion

    return np.asarray(shape & ~binary_erosion(shape))


def perimeter(shape: Shape) -> float:
    """Length of the border in pixels, counted by lines in four directions (Cauchy and Crofton)."""
    padded = np.pad(shape, 1)
    crossings = (
        ((padded[:, 1:] != padded[:, :-1]).sum(), 1.0),
        ((padded[1:] != padded[:-1]).sum(), 1.0),
        ((padded[1:, 1:] != padded[:-1, :-1]).sum(), math.sqrt(0.5)),
        ((padded[1:, :-1] != padded[:-1, 1:]).sum(), math.sqrt(0.5)),
    )
    return math.pi / 2.0 * float(np.mean([count * apart for count, apart in crossings]))


def roundness(shape: Shape) -> float:
    """4 pi area over the square of the perimeter: about 1 for a disk, less for anything else, 0 for an empty shape."""
    length = perimeter(shape)
    return 4.0 * math.pi * int(shape.sum()) / length**2 if length else 0.0


def pieces(shape: Shape) -> int:
    """Parts of a shape that do not touch, corners included."""
    from scipy.ndimage import label

    return int(label(shape[box(shape)], structure=np.ones((3, 3)))[1])


def encloses(outer: Shape, inner: Shape) -> bool:
    """Whether the outer shape is a closed ring around the inner one: 99 % of the inner pixels lie in its hole or in it.

    A gap of one pixel opens the ring; pixels that touch at corners close it.
    """
    from scipy.ndimage import binary_fill_holes

    count, around = int(inner.sum()), box(outer)
    return bool(count) and int((binary_fill_holes(outer[around]) & inner[around]).sum()) >= ENCLOSED * count


@dataclass(frozen=True)
class StructureShape:
    """One structure of one label map.

    Args:
        area: share of the picture.
        roundness: 4 pi area over the square of the perimeter.
        pieces: parts that do not touch.
    """

    area: float
    roundness: float
    pieces: int


@dataclass(frozen=True)
class MaskShape:
    """What a label map shows: its structures, and the pairs (outer, inner) of which one encloses the other."""

    structures: dict[int, StructureShape]
    enclosures: frozenset[tuple[int, int]]


def shape_of(mask: LabelMap) -> MaskShape:
    """Every structure of a label map (H, W); 0 is background."""
    present = {int(value): mask == value for value in np.unique(mask) if value != 0}
    found = {
        value: StructureShape(float(part.mean()), roundness(part), pieces(part))
        for value, part in present.items()
    }
    pairs = {(a, b) for a in present for b in present if a != b and encloses(present[a], present[b])}
    return MaskShape(found, frozenset(pairs))


def at_side(mask: LabelMap, height: int, width: int) -> LabelMap:
    """A label map at another size, each pixel from the nearest one."""
    if mask.shape == (height, width):
        return mask
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(np.int64)
    return mask[np.ix_(rows, columns)]
