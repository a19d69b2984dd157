"""Bones as point-sampled bodies: cortical shells around spongy cores, projected by mass."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, Positioning
from lab.data.phantoms.geometry import Map, Plane, blurred, smoothstep
from lab.data.phantoms.thorax import wall_half_width

SPONGE = 0.25  # mineral of spongy bone as a share of cortical bone
RINGS = 20


def tube(path: Map, high: Map, thick: Map, cortex: float | Map) -> tuple[Map, Map]:
    """Sample tubes: a cortical shell and a spongy core.

    ``path`` (k, m, 3): centre lines; ``high``, ``thick`` (k, m): half-axes across; all cm. Returns points (n, 3) in cm
    and their volumes (n,) in cm^3 of cortical bone.
    """
    tangent = np.gradient(path, axis=1)
    bark = np.broadcast_to(np.asarray(cortex, np.float32), high.shape)
    length = np.linalg.norm(tangent, axis=-1, keepdims=True) + np.float32(1e-6)
    tangent = tangent / length
    outward = np.stack([path[..., 0], np.zeros_like(path[..., 0]), path[..., 2]], -1)
    outward -= (outward * tangent).sum(-1, keepdims=True) * tangent
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True) + np.float32(1e-6)
    upward = np.cross(tangent, outward)
    angle = np.linspace(0, 2 * np.pi, RINGS, endpoint=False, dtype=np.float32)
    ring_u = (high[..., None] * np.cos(angle))[..., None] * upward[:, :, None]
    ring_o = (thick[..., None] * np.sin(angle))[..., None] * outward[:, :, None]
    arc = np.hypot(high[..., None] * np.sin(angle), thick[..., None] * np.cos(angle)) * np.float32(
        2 * np.pi / RINGS
    )
    shell = (path[:, :, None] + ring_u + ring_o).reshape(-1, 3)
    core = (path[:, :, None] + (ring_u + ring_o)[:, :, ::2] * np.float32(0.55)).reshape(-1, 3)
    shell_mass = (arc * length * bark[..., None]).ravel()
    core_mass = np.repeat(
        (np.pi * high * thick * length[..., 0] * np.float32(SPONGE / (RINGS / 2))).ravel(), RINGS // 2
    )
    return np.concatenate([shell, core]).astype(np.float32), np.concatenate([shell_mass, core_mass]).astype(
        np.float32
    )


def rib_paths(anatomy: Anatomy, rng: np.random.Generator) -> tuple[Map, Map, Map]:
    """Centre lines (24, m, 3) of the ribs with their half-heights and half-thicknesses (24, m)."""
    steps = np.linspace(0, 1, 200, dtype=np.float32)
    paths, highs, thicks = [], [], []
    for k in range(12):
        share = min(1.0, (k + 2.2) / 6.5)
        drop = anatomy.rib_drop * share * (1.0 if k < 9 else 0.85)
        top = -1.6 + anatomy.rib_spacing * k * (1 + 0.006 * k)
        reach = float(wall_half_width(anatomy, np.array([top + 0.5 * drop], np.float32))[0]) + 0.25
        end = (0.80, 0.80, 0.79, 0.77, 0.75, 0.73, 0.71, 0.68, 0.64, 0.58, 0.46, 0.34)[k] * np.pi
        theta = np.float32(0.12) + steps * np.float32(end - 0.12)
        x = 2.0 + (reach - 2.0) * np.sin(theta) ** np.float32(0.9)
        x = np.where(theta > np.pi / 2, reach * np.sin(theta) ** np.float32(0.85), x)
        depth = 0.42 * anatomy.body_depth * (0.55 + 0.45 * share)
        z = -depth * np.cos(theta) - 1.0
        y = (
            top
            + drop * ((1 - np.cos(theta)) / 2) ** np.float32(1.05)
            - 0.6 * np.sin(np.clip(theta * 2.2, 0, np.pi)) * share
        )
        for side in (-1, 1):
            lift, hang, wide, stout = rng.normal(0, 1, 4)
            paths.append(
                np.stack(
                    [
                        side * x * (1 + 0.008 * wide),
                        y + 0.22 * lift + 0.5 * hang * (1 - np.cos(theta)) / 2,
                        z,
                    ],
                    -1,
                )
            )
            slim = 1 - 0.60 * np.exp(-(((theta - 1.65) / 0.45) ** 2))
            fade = slim * np.minimum(1, (1 - steps) * 14 + 0.25)
            swell = 0.82 + 0.30 * smoothstep((theta - 1.2) / 1.4)
            highs.append(anatomy.rib_height * (0.85 + 0.15 * share) * (1 + 0.08 * stout) * swell * fade)
            thicks.append((0.34 if k < 8 else 0.20) * np.ones_like(steps) * fade)
    return np.array(paths, np.float32), np.array(highs, np.float32), np.array(thicks, np.float32)


def rib_bark(anatomy: Anatomy) -> Map:
    """Thickness (24, m) of the ribs' cortical bone from spine to cartilage.

    The front half is thin and spongy, and so are the last four ribs, of which no film shows much below the domes.
    """
    steps = np.linspace(0, 1, 200, dtype=np.float32)
    front = 1 - np.float32(0.62) * smoothstep((steps - 0.25) / 0.3)
    stout = np.where(np.arange(24) < 16, 1.0, 0.3).astype(np.float32)
    return np.float32(anatomy.cortex) * stout[:, None] * front


def clavicle_paths(anatomy: Anatomy, position: Positioning) -> tuple[Map, Map, Map]:
    """Clavicles (2, m, 3): S-shaped, from the sternum to the shoulder."""
    steps = np.linspace(0, 1, 260, dtype=np.float32)
    slope = anatomy.clavicle_slope + (0.05 if position.view == "AP" else 0.0)
    lift = 1.2 if position.view == "AP" else 0.0
    x = 1.9 + (anatomy.shoulder - 4.2) * steps
    y = 3.6 - lift - slope * (x - 1.9) - 0.9 * np.sin(2 * np.pi * steps * 0.9) * 0.8
    z = 6.5 - 7 * steps + 1.2 * np.sin(2 * np.pi * steps)
    high = (0.62 + 0.22 * (np.abs(steps - 0.45) * 1.6) ** 2) * np.minimum(
        1, 0.4 + 12 * np.minimum(steps, 1 - steps)
    )
    paths = np.stack([np.stack([side * x, y, z], -1) for side in (-1, 1)])
    highs = np.stack([high, high]).astype(np.float32)
    return paths.astype(np.float32), highs, (highs * 0.8).astype(np.float32)


def shoulder_points(anatomy: Anatomy, position: Positioning) -> tuple[Map, Map]:
    """Scapulae (thin blades with thick borders) and the upper arms."""
    s = anatomy.shoulder
    p = position.scapula
    corner = {
        "superior": (s * 0.53 + p, 1.0, -8.0),
        "inferior": (s * 0.69 + 0.9 * p, 14.6, -8.0),
        "glenoid": (s * 0.86, 3.2, -4.0),
        "acromion": (s * 0.95, -0.6, -4.5),
        "root": (s * 0.56 + p, 3.8, -8.5),
        "coracoid": (s * 0.80, 1.7, -1.0),
    }
    rods = [
        ("superior", "inferior", 0.22),
        ("inferior", "glenoid", 0.46),
        ("superior", "glenoid", 0.25),
        ("root", "acromion", 0.42),
        ("glenoid", "coracoid", 0.5),
    ]
    steps = np.linspace(0, 1, 140, dtype=np.float32)[:, None]
    points, masses = [], []
    for side in (-1, 1):
        ends = {k: np.array([side * v[0], v[1], v[2]], np.float32) for k, v in corner.items()}
        bend = np.array([side * 0.7, 0.0, 0.0], np.float32) * np.sin(np.pi * steps)
        paths = np.stack([ends[a] + (ends[b] - ends[a]) * steps + bend for a, b, _ in rods])
        radii = np.stack([np.full(140, r, np.float32) for *_, r in rods])
        cloud, mass = tube(paths.astype(np.float32), radii, radii, 0.08)
        points.append(cloud)
        masses.append(mass)
        a, b = np.meshgrid(np.linspace(0, 1, 110, dtype=np.float32), np.linspace(0, 1, 110, dtype=np.float32))
        a, b = a.ravel()[:, None], b.ravel()[:, None]
        blade = ends["superior"] * (1 - a) + a * (ends["inferior"] * (1 - b) + ends["glenoid"] * b)
        area = float(
            np.linalg.norm(np.cross(ends["inferior"] - ends["superior"], ends["glenoid"] - ends["superior"]))
        )
        points.append(blade)
        masses.append((a[:, 0] * area * 0.11 / 12100).astype(np.float32))
    return np.concatenate(points).astype(np.float32), np.concatenate(masses).astype(np.float32)


def humeri(anatomy: Anatomy, plane: Plane, arm: float) -> Map:
    """Thickness of the upper arms' bones: heads, and shafts hanging slightly outwards."""
    total = np.zeros_like(plane.x)
    for side in (-1, 1):
        r2 = (plane.x - side * anatomy.shoulder * 0.955) ** 2 + (plane.y - 2.4) ** 2
        outer, inner = (
            2 * np.sqrt(np.clip(2.35**2 - r2, 0, None)),
            2 * np.sqrt(np.clip(2.29**2 - r2, 0, None)),
        )
        total += (outer - inner) + np.float32(0.7 * SPONGE) * inner
        down = smoothstep((plane.y - 3.0) / 1.5)
        off = (plane.x - side * (anatomy.shoulder * 0.97 + (plane.y - 2.4) * (0.1 + 0.04 * arm))) ** 2
        bark, marrow = (
            2 * np.sqrt(np.clip(1.1**2 - off, 0, None)),
            2 * np.sqrt(np.clip(0.75**2 - off, 0, None)),
        )
        total += np.float32(0.6) * down * (bark - marrow)
    return total.astype(np.float32)


def spine(anatomy: Anatomy, plane: Plane) -> Map:
    """Vertebral bodies with end-plates and pedicles, transverse and spinous processes; sternum in front."""
    h = anatomy.lung_height
    y = plane.y
    back = plane.depth_shift(-6.0)
    bend = np.float32(anatomy.scoliosis) * np.sin(np.pi * np.clip(y / h, -0.2, 1.2)).astype(np.float32)
    x = plane.x - bend - back
    level = (y + 1.6) / np.float32(anatomy.rib_spacing)
    phase = level - np.floor(level)
    gap = np.abs(phase - 0.5) * 2
    waist = 1.55 + 0.012 * np.clip(y, -8, 30) + 0.18 * gap**3
    side = np.clip(1 - (np.abs(x) / waist) ** 3, 0, None)
    disc = smoothstep((gap - 0.84) / 0.08)
    plate = np.exp(-(((gap - 0.80) / 0.07) ** 2))
    body = side**0.8 * (5.6 * SPONGE + 0.4 * SPONGE * (1 - disc) + 0.25 * plate)
    edge = 0.14 * np.exp(-(((np.abs(x) - waist * 0.95) / 0.13) ** 2)) * (1 - disc)
    pedicle = ((np.abs(x) - 0.66 * waist) / 0.42) ** 2 + ((phase - 0.36) * anatomy.rib_spacing / 0.55) ** 2
    ring = 0.45 * np.exp(-((np.sqrt(pedicle) - 1) ** 2) / 0.12)
    spinous = 0.9 * np.exp(-((x / 0.30) ** 2) - ((phase - 0.75) * anatomy.rib_spacing / 0.6) ** 2)
    wing = (
        0.32
        * np.exp(-(((phase - 0.30) * anatomy.rib_spacing / 0.5) ** 2))
        * smoothstep((3.3 - np.abs(x)) / 0.8)
    )
    sternum = (
        0.10
        * smoothstep((2.6 - np.abs(plane.x - plane.depth_shift(9))) / 0.5)
        * smoothstep((y - 3.2) / 0.6)
        * smoothstep((8.5 - y) / 0.8)
    )
    return (0.42 * (body + edge + ring + spinous + wing) + sternum).astype(np.float32)


def bone_thickness(anatomy: Anatomy, plane: Plane, position: Positioning, ribs: tuple[Map, Map]) -> Map:
    """Thickness of cortical bone along the beam, cm (size, size)."""
    clavicles, clavicle_mass = tube(*clavicle_paths(anatomy, position), 0.115)
    shoulders, shoulder_mass = shoulder_points(anatomy, position)
    cloud = np.concatenate([ribs[0], clavicles, shoulders])
    mass = np.concatenate([ribs[1], clavicle_mass, shoulder_mass])
    bones = blurred(plane.splat(cloud, mass), 0.5 * plane.size / 256)
    return np.float32(anatomy.bone_density) * (
        bones + spine(anatomy, plane) + humeri(anatomy, plane, position.arm)
    )
