"""Pulmonary oedema: perihilar haze, veins filled towards the apices, thickened septa, cuffed bronchi."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy
from lab.data.phantoms.draws import SIZES, FindingSpec, Shape
from lab.data.phantoms.findings import Contents
from lab.data.phantoms.geometry import Map, Plane, blurred, fractal, smoothstep
from lab.data.phantoms.thorax import Chest, wall_half_width

SPREAD = (0.95, 1.0, 1.12)  # of the bat-wing shadow, by size
UPPER = (1.5, 1.5, 1.1)  # how much more blood the upper vessels hold
UNSHARP = (0.09, 0.13, 0.17)  # cm by which fluid blurs the vessels
SEPTA = (0, 6, 9)
CUFFS = (2, 3, 4)
FISSURE = (0.0, 0.45, 0.7)


def add_oedema(
    contents: Contents,
    finding: FindingSpec,
    shape: Shape,
    anatomy: Anatomy,
    plane: Plane,
    chest: Chest,
    texture: np.random.Generator,
) -> None:
    """Change both lungs; the lesion mask covers the haze around the hila."""
    rank = SIZES.index(finding.size)
    ragged = fractal(texture, plane.size, 1.7, 3.0)
    patchy = np.clip(0.88 + 0.14 * fractal(texture, plane.size, 1.4, 6.0), 0.4, 1.15)
    h = np.float32(anatomy.lung_height)
    low = smoothstep((plane.y / h - 0.25) / 0.6)
    strands = strand_thickness(anatomy, plane, chest, rank, texture)
    for which, side in enumerate((-1, 1)):
        lung = contents.air[which]
        hx, hy = chest.hilum[which]
        across = plane.x * side - np.float32(abs(hx) + 1.9 + 0.3 * shape.jitter[0])
        down = plane.y - np.float32(hy + 1.6 + 0.5 * shape.jitter[1])
        spread = np.float32(SPREAD[rank])
        reach = np.hypot(across / (5.0 * spread), down / (6.8 * spread))
        wing = smoothstep((1.30 + 0.16 * ragged - reach) / 0.95)
        share = np.float32(shape.extent) * (wing * patchy + (0.16 + 0.24 * low) * (1 - wing))
        contents.air[which] = lung * (1 - np.clip(share, 0, 0.85))
        contents.vessels[which] = congested(contents.vessels[which], rank, hy, plane) * (1 - 0.35 * share)
        contents.vessels[which] += strands * (lung > 0.5)
        contents.lesion |= (wing > 0.4) & (chest.lungs[which] > 0.6)


def congested(vessels: Map, rank: int, hilum_y: float, plane: Plane) -> Map:
    """Vessels (cm along the beam) with unsharp walls, wider towards the apices."""
    up = smoothstep((np.float32(hilum_y + 2.0) - plane.y) / 5.0)
    soft = blurred(vessels, UNSHARP[rank] / plane.pixel)
    return soft * (np.float32(1.15) + np.float32(UPPER[rank]) * up)


Cloud = tuple[Map, Map]  # points (n, 3) in cm and the volumes (n,) in cm^3 they stand for


def strand_thickness(
    anatomy: Anatomy, plane: Plane, chest: Chest, rank: int, texture: np.random.Generator
) -> Map:
    """Thickened septa, bronchial walls and minor fissure together, cm along the beam."""
    clouds = []
    for which in range(2):
        clouds.append(septa(anatomy, chest, which, SEPTA[rank], texture))
        clouds += cuffs(chest, which, CUFFS[rank], texture)
    clouds.append(fissure(anatomy, FISSURE[rank]))
    return plane.splat(np.concatenate([p for p, _ in clouds]), np.concatenate([m for _, m in clouds]))


def sheets(start: Map, end: Map, thick: float, wide: float) -> Cloud:
    """Thin sheets seen edge-on: ``thick`` cm along the beam, ``wide`` cm across, from ``start`` to ``end`` (n, 3)."""
    length = np.linalg.norm(end - start, axis=1)
    steps = np.linspace(0, 1, 90, dtype=np.float32)[None, :, None]
    path = start[:, None] * (1 - steps) + end[:, None] * steps
    points = np.repeat(path[:, :, None], 4, axis=2)
    points[..., 1] += np.linspace(-0.5, 0.5, 4, dtype=np.float32) * np.float32(wide)
    mass = np.repeat((length * thick * wide / 360).astype(np.float32), 360)
    return points.reshape(-1, 3), mass


def septa(anatomy: Anatomy, chest: Chest, which: int, count: int, texture: np.random.Generator) -> Cloud:
    """Kerley B lines: short, level, at right angles to the pleura above the costophrenic angle."""
    side = (-1, 1)[which]
    low = chest.diaphragm[which] + 0.45 * anatomy.dome_drop
    y = (low - 0.75 * np.arange(count) + texture.uniform(-0.12, 0.12, count)).astype(np.float32)
    wall = wall_half_width(anatomy, y) - np.float32(0.25)
    length = texture.uniform(1.2, 2.1, count).astype(np.float32)
    slope = texture.uniform(-0.05, 0.20, count).astype(np.float32)
    level = np.zeros_like(y)
    start = np.stack([side * wall, y, level], -1)
    end = np.stack([side * (wall - length), y - slope * length, level], -1)
    return sheets(start, end, 0.75, 0.16)


def cuffs(chest: Chest, which: int, count: int, texture: np.random.Generator) -> list[Cloud]:
    """Bronchi seen end-on with thickened walls, near the hilum."""
    side = (-1, 1)[which]
    hx, hy = chest.hilum[which]
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False, dtype=np.float32)
    rings = []
    for _ in range(count):
        x, y = hx + side * texture.uniform(0.9, 2.8), hy + texture.uniform(-2.4, 2.4)
        radius = texture.uniform(0.32, 0.45)
        ring = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), 0 * angle], -1)
        off = np.array([0.05, 0, 0])
        wall = np.concatenate([ring - off, ring + off]).astype(np.float32)
        volume = 2 * np.pi * radius * 0.16 * 0.6
        rings.append((wall, np.full(len(wall), volume / len(wall), np.float32)))
    return rings


def fissure(anatomy: Anatomy, thick: float) -> Cloud:
    """The minor fissure, thickened by fluid."""
    y = np.array([0.462 * anatomy.lung_height], np.float32)
    wall = wall_half_width(anatomy, y) - np.float32(0.4)
    start = np.stack([np.array([-4.2], np.float32), y - np.float32(0.3), 0 * y], -1)
    end = np.stack([-wall, y + np.float32(0.2), 0 * y], -1)
    return sheets(start, end, thick, 0.18)
