"""Findings as changes of what the beam crosses: fluid, air, a larger heart, filled air spaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantoms.anatomy import Anatomy
from lab.data.phantoms.draws import (
    DEVICES,
    LABELS,
    LOBES_OF,
    NO_FINDING,
    SIDES,
    SIZES,
    FindingSpec,
    Shape,
    draw_findings,
    draw_one,
    draw_shape,
)
from lab.data.phantoms.geometry import Map, Plane, blurred, fractal, smoothstep
from lab.data.phantoms.thorax import Chest, wall_half_width

__all__ = [
    "DEVICES",
    "LABELS",
    "LOBES_OF",
    "NO_FINDING",
    "SIDES",
    "SIZES",
    "Contents",
    "FindingSpec",
    "Shape",
    "add_consolidation",
    "add_effusion",
    "add_pneumothorax",
    "draw_findings",
    "draw_one",
    "draw_shape",
]


@dataclass
class Contents:
    """What fills the chest, cm along the beam, each (size, size) float32, changed in place by the findings.

    ``air``: aerated lung; ``fluid``: extra soft tissue; ``free``: free air; ``vessels``: blood in the lungs.
    """

    air: list[Map]
    fluid: Map
    free: Map
    vessels: list[Map]
    lesion: np.ndarray


def add_effusion(
    contents: Contents, finding: FindingSpec, shape: Shape, anatomy: Anatomy, plane: Plane, chest: Chest
) -> None:
    """Fluid that fills the lung from below with a meniscus rising towards the wall."""
    which = SIDES.index(finding.side)
    side = (-1, 1)[which]
    lung = contents.air[which]
    dome = chest.diaphragm[which]
    level = dome * (1 - shape.extent) + (0.9 if finding.size == "small" else 0.0)
    gap = np.clip(wall_half_width(anatomy, plane.y) - plane.x * side, 0, 30)
    rise = 2.6 + 0.6 * shape.jitter[0]
    surface = (
        level
        - np.float32(rise) * np.exp(-gap / 2.2)
        - np.float32(0.8) * np.exp(-np.clip(plane.x * side - 2, 0, 30) / 2)
    )
    depth = plane.y - surface
    filled = 1 - np.exp(-((np.clip(depth, 0, None) / np.float32(1.9)) ** np.float32(1.6)))
    taken = lung * filled
    contents.air[which] = lung - taken
    contents.vessels[which] = contents.vessels[which] * (1 - filled)
    contents.fluid += np.float32(0.05) * taken
    contents.lesion |= (filled > 0.35) & (chest.lungs[which] > 0.4)


def collapse(image: Map, plane: Plane, hilum: tuple[float, float], factor: tuple[float, float]) -> Map:
    """The image drawn in towards the hilum by ``factor`` in patient coordinates."""
    from scipy import ndimage

    dx = (plane.x - np.float32(hilum[0])) * np.float32(1 / factor[0] - 1) / np.float32(plane.pixel)
    dy = (plane.y - np.float32(hilum[1])) * np.float32(1 / factor[1] - 1) / np.float32(plane.pixel)
    c, s = np.float32(np.cos(plane.tilt)), np.float32(np.sin(plane.tilt))
    rows, columns = np.indices(image.shape, dtype=np.float32)
    return ndimage.map_coordinates(
        image, [rows + s * dx + c * dy, columns + c * dx - s * dy], order=1, mode="nearest"
    )


def add_pneumothorax(
    contents: Contents, finding: FindingSpec, shape: Shape, anatomy: Anatomy, plane: Plane, chest: Chest
) -> None:
    """Free air between the chest wall and a lung drawn in towards its hilum, with a thin visceral line."""
    which = SIDES.index(finding.side)
    lung = contents.air[which]
    dome = chest.diaphragm[which]
    anchor = {"small": dome + 2.0, "moderate": dome - 2.0, "large": chest.hilum[which][1] + 2.0}[finding.size]
    hilum = (chest.hilum[which][0], anchor)
    factor = (shape.extent, min(0.97, shape.extent + 0.05 * (1 + shape.jitter[0])))
    small = np.minimum(collapse(lung, plane, hilum, factor) * np.float32(shape.extent**0.3), lung)
    contents.vessels[which] = np.minimum(collapse(contents.vessels[which], plane, hilum, factor), 3) * (
        small > 0.3
    )
    edge = blurred((small > 0.5).astype(np.float32), 0.8)
    line = 4 * edge * (1 - edge) * (lung > 1.0)
    contents.fluid += np.float32(0.35) * line + np.float32(0.10 * (1 - shape.extent)) * small
    contents.free += lung - small
    contents.air[which] = small
    contents.lesion |= (lung - small > 0.55 * lung) & (lung > 0.8)


LOBE_BOX = {  # y range as a share of the lung height, x range in cm from the midline
    "RUL": (0.06, 0.445, 3.0, 12.0),
    "RML": (0.48, 0.72, 3.0, 11.0),
    "RLL": (0.52, 0.86, 3.0, 13.0),
    "LUL": (0.06, 0.48, 3.0, 12.0),
    "LLL": (0.50, 0.86, 3.5, 13.0),
}


def add_consolidation(
    contents: Contents,
    finding: FindingSpec,
    shape: Shape,
    anatomy: Anatomy,
    plane: Plane,
    chest: Chest,
    texture: np.random.Generator,
) -> None:
    """Air spaces filled inside one lobe, with ragged edges, a fissure where there is one, and air bronchograms."""
    which = SIDES.index(finding.side)
    side = (-1, 1)[which]
    lung = contents.air[which]
    top, bottom, inner, outer = LOBE_BOX[finding.lobe]
    h = anatomy.lung_height
    radius = shape.extent
    floor = min(bottom * h, chest.diaphragm[which] + 0.5)
    low, high = top * h + min(radius, 3.0), max(floor - 0.75 * radius, top * h + min(0.8 * radius, 3.0))
    low = min(low, high)
    cy = (low + high) / 2 + 0.5 * shape.jitter[0] * (high - low)
    wide = float(np.clip(wall_half_width(anatomy, np.array([cy], np.float32))[0], 6, outer))
    cx = side * ((inner + wide) / 2 + 0.22 * shape.jitter[1] * (wide - inner))
    stretch = 1.0 + 0.22 * shape.jitter[2]
    ragged = fractal(texture, plane.size, 1.9, 2.5)
    reach = np.hypot((plane.x - np.float32(cx)) / stretch, (plane.y - np.float32(cy)) * stretch) / np.float32(
        radius
    )
    filled = smoothstep((1.25 + 0.20 * ragged - reach) / 0.95)
    if finding.lobe in ("RUL", "RML"):
        fissure = (plane.y - np.float32(0.462 * h) - np.float32(0.05) * (plane.x * side - 6)) * (
            1 if finding.lobe == "RUL" else -1
        )
        filled = filled * smoothstep((0.25 - fissure) / 0.5)
    patchy = np.clip(0.80 + 0.13 * fractal(texture, plane.size, 1.5, 5.0), 0.45, 1.0)
    share = np.float32(0.74) * filled * patchy
    contents.air[which] = lung * (1 - share)
    contents.vessels[which] = contents.vessels[which] * (1 - 1.25 * filled)
    contents.lesion |= (filled > 0.3) & (chest.lungs[which] > 0.6)
