"""Bones of the left lateral film: both rib cages over one another, the vertebral column, the sternum, the scapulae."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, Positioning
from lab.data.phantoms.geometry import Map, Plane, blurred, smoothstep
from lab.data.phantoms.lateral import turned
from lab.data.phantoms.skeleton import SPONGE, shoulder_points


def lateral_spine(anatomy: Anatomy, plane: Plane) -> Map:
    """Vertebral bodies as blocks with end-plates, discs between them, arches and spinous processes behind."""
    h, y = anatomy.lung_height, plane.y
    centre = 6.3 + 1.9 * np.sin(np.pi * np.clip(y / h * 0.85 + 0.12, 0, 1))
    off = plane.x - centre.astype(np.float32)
    phase = (y + 1.6) / np.float32(anatomy.rib_spacing)
    gap = np.abs(phase - np.floor(phase) - 0.5) * 2
    waist = 1.45 + 0.012 * np.clip(y, -8, 30) + 0.15 * gap**3
    inside = np.sqrt(np.clip(1 - (np.abs(off) / waist) ** 6, 0, None))
    disc = smoothstep((gap - 0.80) / 0.10)
    plate = np.exp(-(((gap - 0.78) / 0.07) ** 2))
    body = inside * (2.6 * SPONGE * (1 - 0.6 * disc) + 0.30 * plate)
    arch = 0.6 * SPONGE * smoothstep((off - waist) / 0.4) * smoothstep((waist + 2.6 - off) / 0.8)
    return (body + arch * (0.6 + 0.4 * np.cos(2 * np.pi * phase))).astype(np.float32)


def lateral_sternum(anatomy: Anatomy, plane: Plane) -> Map:
    """The sternum as a slanting plate seen edge on."""
    h = anatomy.lung_height
    steps = np.clip((plane.y - 2.2) / np.float32(0.60 * h), 0, 1)
    front = -(
        0.43 * anatomy.body_depth * np.sin(np.pi / 2 * np.clip((plane.y / h + 0.12) / 0.95, 0, 1)) ** 0.8
        + 0.1
    )
    plate = np.exp(-(((plane.x - front) / 0.5) ** 2))
    return (0.75 * plate * smoothstep(steps / 0.04) * smoothstep((1 - steps) / 0.06)).astype(np.float32)


def lateral_bone(anatomy: Anatomy, plane: Plane, position: Positioning, ribs: tuple[Map, Map]) -> Map:
    """Thickness of cortical bone along the beam, cm (size, size)."""
    forward = replace(position, scapula=position.scapula - 1.0)
    shoulders, mass = shoulder_points(anatomy, forward)
    cloud = np.concatenate([turned(ribs[0]), turned(shoulders)])
    bones = blurred(
        plane.splat(cloud, np.concatenate([np.float32(0.62) * ribs[1], 0.7 * mass])), 0.5 * plane.size / 256
    )
    return np.float32(anatomy.bone_density) * (
        bones + lateral_spine(anatomy, plane) + lateral_sternum(anatomy, plane)
    )
