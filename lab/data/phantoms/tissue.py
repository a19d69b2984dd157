"""Soft tissue along the beam: what is left of the body once air is taken out of it, and its unevenness."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, Positioning
from lab.data.phantoms.findings import Contents
from lab.data.phantoms.geometry import Map, Plane, blurred, ellipsoid, smoothstep
from lab.data.phantoms.thorax import Chest


def soft_tissue(
    chest: Chest, contents: Contents, anatomy: Anatomy, position: Positioning, plane: Plane, grain: Map
) -> Map:
    """Centimetres of water along the beam."""
    gravity = np.float32(0.86) + np.float32(0.28 / anatomy.lung_height) * np.clip(plane.y, 0, None)
    density = (
        np.float32(min(0.5, anatomy.lung_density * position.aeration))
        * gravity
        * (1 + np.float32(0.035) * grain)
    )
    lungs = contents.air[0] + contents.air[1]
    blood = np.minimum(contents.vessels[0] + contents.vessels[1], 0.75 * lungs)
    soft = chest.body - lungs * (1 - density) - contents.free * np.float32(0.99) + contents.fluid
    soft = blurred(soft, 0.8 * plane.size / 256) + blood * (1 - density)
    soft = soft - np.minimum(chest.airway, 0.5 * chest.body) - chest.gas * (chest.body > 5)
    return np.maximum(soft * (1 + np.float32(0.006) * grain), 0).astype(np.float32)


def uneven(soft: Map, size: int, rng: np.random.Generator) -> Map:
    """Muscle, fat and clothing that lie unevenly: about half a centimetre over some five centimetres."""
    coarse = rng.standard_normal((8, 8)).astype(np.float32) / 4
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    waves = np.cos(np.float32(np.pi) * steps[:, None] * np.arange(8, dtype=np.float32))
    field = waves @ coarse @ waves.T
    return np.maximum(soft + np.float32(0.6) * field * soft / (soft + 3), 0)


def bowel_gas(chest: Chest, plane: Plane, rng: np.random.Generator) -> Map:
    """A few pockets of gas under the domes, cm along the beam."""
    total = np.zeros_like(plane.x)
    for _ in range(int(rng.integers(0, 4))):
        radius = rng.uniform(0.5, 1.3)
        centre = (rng.normal(5, 4.5), chest.diaphragm[1] + 2.0 + rng.gamma(2.0, 1.6))
        total = np.maximum(
            total,
            ellipsoid(
                plane.x,
                plane.y,
                centre,
                (radius * rng.uniform(1, 1.9), radius, radius),
                rng.uniform(-0.7, 0.7),
            ),
        )
    below = smoothstep((plane.y - np.float32(max(chest.diaphragm) + 0.5)) / 1.5)
    return blurred(total * below * np.float32(0.9), 1.2 * plane.size / 256)
