"""Nodules and masses: a ball of soft tissue in one lobe, clear of heart and hilum, lobulated or spiculated."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy
from lab.data.phantoms.draws import SIDES, FindingSpec, Shape
from lab.data.phantoms.findings import LOBE_BOX, Contents
from lab.data.phantoms.geometry import Map, Plane, smoothstep
from lab.data.phantoms.thorax import Chest, wall_half_width

LEAST = 4.4 / 128  # radius as a share of the film: nearly nine pixels across on a film of 128
AERATED = 4.0  # cm of lung along the beam that a nodule needs around it to be seen
HILUM_GAP = 2.4
SPIKES = 16
SPICULATED = 0.2
DEPTH = 2.8  # cm: what a nodule is deeper than wide, less 0.8 of its radius
SHARP = 0.35  # share that is drawn with the vessels, whose edges stay sharp


def seat(
    contents: Contents,
    finding: FindingSpec,
    shape: Shape,
    radius: float,
    anatomy: Anatomy,
    plane: Plane,
    chest: Chest,
) -> tuple[float, float]:
    """Where the nodule lies (x, y) in cm: the place nearest to the one drawn where lung surrounds it."""
    from scipy import ndimage

    which = SIDES.index(finding.side)
    side = (-1, 1)[which]
    top, bottom, inner, outer = LOBE_BOX[finding.lobe]
    h = anatomy.lung_height
    low, high = top * h + 0.7 * radius, bottom * h - 0.4 * radius
    y = low + 0.5 * (1 + shape.jitter[0]) * (high - low)
    wide = min(outer, float(wall_half_width(anatomy, np.array([y], np.float32))[0])) - radius
    x = side * (inner + radius + 0.5 * (1 + shape.jitter[1]) * max(0.5, wide - inner - radius))
    stride = max(1, plane.size // 64)
    px, py = plane.x[::stride, ::stride], plane.y[::stride, ::stride]
    hidden = (chest.heart[::stride, ::stride] > 0.3) | (px * side < 2.8) | (py > chest.diaphragm[which])
    step = plane.pixel * stride
    middle = ndimage.distance_transform_edt(~hidden) * step
    clear = np.pad(contents.air[which][::stride, ::stride] > AERATED, 1)
    room = ndimage.distance_transform_edt(clear)[1:-1, 1:-1] * step
    hx, hy = chest.hilum[which]
    apart = np.hypot(px - hx, py - hy) - HILUM_GAP
    inside = (py > low) & (py < high) & (room > 0)
    # A mass may touch the chest wall, but not what would hide its edge.
    spare = np.minimum(
        np.minimum(middle - 0.4, apart) - radius, room - (0.95 if radius < 2 else 0.55) * radius
    )
    far = np.hypot(px - x, py - y)
    # Where no place is free enough, the freest in the lobe is taken.
    cost = np.where(inside, 0, 1000) + np.where(spare > 0, far, 100 - 10 * np.minimum(spare, 0))
    best = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return float(px[best]), float(py[best])


def outline(angle: Map, texture: np.random.Generator) -> Map:
    """The radius at each angle as a share of the mean radius: a few soft lobes."""
    edge = np.ones_like(angle)
    for k, amplitude in ((2, 0.07), (3, 0.05), (4, 0.035), (5, 0.03), (7, 0.02), (9, 0.015)):
        edge += np.float32(amplitude * texture.uniform(0.4, 1)) * np.cos(
            k * angle + np.float32(texture.uniform(0, 6.28))
        )
    return edge


def spikes(angle: Map, reach: Map, radius: float, texture: np.random.Generator) -> Map:
    """Thin strands running from the edge into the lung, cm along the beam; ``reach``: distance over radius."""
    total = np.zeros_like(angle)
    distance = reach * np.float32(radius)
    for k in range(SPIKES):
        middle = 2 * np.pi * (k + texture.uniform(-0.9, 0.9)) / SPIKES
        length = np.float32(0.15 + 1.1 * texture.uniform() ** 2)
        off = np.abs(np.mod(angle - middle + np.pi, 2 * np.pi) - np.pi) * distance
        along = np.clip((distance - radius * 0.85) / (0.15 * radius + length), 0, 2)
        total = np.maximum(
            total, np.exp(-((off / np.float32(0.13)) ** 2)) * np.clip(1 - along, 0, None) * (along > 0)
        )
    return (np.float32(1.3) * total).astype(np.float32)


def add_nodule(
    contents: Contents,
    finding: FindingSpec,
    shape: Shape,
    anatomy: Anatomy,
    plane: Plane,
    chest: Chest,
    texture: np.random.Generator,
) -> None:
    """A ball of soft tissue in place of lung; about four in ten are spiculated, the others lobulated."""
    which = SIDES.index(finding.side)
    radius = max(shape.extent, LEAST * plane.pixel * plane.size)
    x, y = seat(contents, finding, shape, radius, anatomy, plane, chest)
    dx, dy = plane.x - np.float32(x), plane.y - np.float32(y)
    angle = np.arctan2(dy, dx)
    reach = np.hypot(dx, dy) / (np.float32(radius) * outline(angle, texture))
    # Deeper than wide and flat towards its edge, so that a small one is seen among ribs and vessels.
    chord = np.float32(2 * radius + max(0.0, DEPTH - 0.8 * radius)) * np.clip(
        1 - reach**3, 0, None
    ) ** np.float32(0.5)
    lung = contents.air[which]
    taken = np.minimum(chord, np.float32(0.85) * lung)
    sharp = np.float32(SHARP) * taken
    contents.air[which] = lung - taken + sharp
    around = 1 - smoothstep((1.15 - reach) / 0.3)
    contents.vessels[which] = contents.vessels[which] * around + sharp
    if shape.jitter[2] > SPICULATED:
        contents.vessels[which] += spikes(angle, reach, radius, texture)
    contents.lesion |= (reach < 1) & (chest.lungs[which] > 0.4)
