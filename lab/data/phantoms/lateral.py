"""The left lateral film: the same patient seen along ``x``, the front at the viewer's left, the spine at the right.

On this film ``plane.x`` runs towards the back, so a structure at depth ``z`` lies at ``plane.x = -z``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, Positioning
from lab.data.phantoms.geometry import Map, Plane, ellipsoid, smoothstep
from lab.data.phantoms.thorax import Chest, wall_half_width

LATERAL = "LATERAL"
LONGER_EXPOSURE = 5.0  # the automatic exposure stops later behind twice the tissue


@dataclass(frozen=True)
class Profile:
    """Where the rib cage begins in front and ends behind, ``z`` in cm at every pixel, (size, size) float32."""

    front: Map
    back: Map


def lateral_position(position: Positioning) -> Positioning:
    """The same film taken sideways: no wires, no word, only the left marker."""
    which, *place = position.marker
    return replace(
        position,
        dx=0.6 * position.dx - 0.5,
        turn=0.3 * position.turn,
        exposure=LONGER_EXPOSURE * position.exposure,
        marker=(0 if which < 2 else 3, place[0], place[1], place[2]),
        leads=0,
        label=-1,
    )


def turned(points: Map) -> Map:
    """Points (n, 3) in cm as the lateral film meets them: backwards, down, along the beam."""
    return np.stack([-points[:, 2], points[:, 1], points[:, 0]], -1)


def cage_profile(anatomy: Anatomy, y: Map) -> Profile:
    """Front and back of the rib cage: the sternum slopes forwards, the spine is rounded."""
    u = np.clip(y / np.float32(anatomy.lung_height), -0.2, 1.3)
    front = np.float32(0.43 * anatomy.body_depth) * np.sin(
        np.pi / 2 * np.clip((u + 0.12) / 0.95, 0, 1)
    ) ** np.float32(0.8)
    back = -7.2 - 2.2 * np.sin(np.pi * np.clip(u * 0.85 + 0.12, 0, 1))
    return Profile((front - 0.6).astype(np.float32), back.astype(np.float32))


def lateral_diaphragm(anatomy: Anatomy, z: Map, dome: float) -> Map:
    """Height (cm) of a dome: it falls steeply behind, into the posterior costophrenic angle, and gently in front."""
    behind = np.clip((1.5 - z) / 10.5, 0, None) ** np.float32(2.1)
    before = np.clip((z - 1.5) / 7.0, 0, None) ** 2
    depth = np.float32(max(2.5, anatomy.lung_height - dome + 2.5))
    return (dome + depth * behind + np.float32(1.8) * before).astype(np.float32)


def lateral_lung(anatomy: Anatomy, plane: Plane, profile: Profile, dome: float) -> Map:
    """Chord along ``x`` of one lung, the heart not yet taken out."""
    z, y = -plane.x, plane.y
    back = profile.back - 1.4
    t = (2 * z - profile.front - back) / np.maximum(profile.front - back, 0.5)
    reach = np.sqrt(np.clip(1 - np.abs(t) ** np.float32(3.0), 0, None))
    inner = 1.1 + 1.5 * np.exp(-(((z + 0.5) / 3.0) ** 2)) + 1.4 * smoothstep((-4.0 - z) / 3.0)
    chord = np.clip(wall_half_width(anatomy, y) * reach - inner, 0, None)
    chord = chord * np.sqrt(np.clip(y / 4.0, 0, 1)) * (y > 0)
    below = np.clip(y - lateral_diaphragm(anatomy, z, dome), 0, None)
    return np.clip(chord - np.float32(9.0) * np.sqrt(below / 0.7), 0, None).astype(np.float32)


def lateral_body(anatomy: Anatomy, plane: Plane, profile: Profile, arm: float) -> Map:
    """Torso seen from the side, neck, breasts and the shoulders of the raised arms."""
    z, y, h = -plane.x, plane.y, anatomy.lung_height
    thick = np.float32(0.45 * anatomy.wall + 0.7)
    belly = np.float32(0.5 * anatomy.wall) * smoothstep((y - 0.75 * h) / (0.5 * h))
    breast = (y - np.float32(anatomy.breast_y)) / np.where(
        y > anatomy.breast_y, np.float32(4.0), np.float32(8.0)
    )
    bulge = np.float32(0.6 * anatomy.breast) * np.exp(-(breast**2))
    front, back = profile.front + thick + belly + bulge, profile.back - thick - 2.0
    t = (2 * z - front - back) / (front - back)
    wide = wall_half_width(anatomy, np.maximum(y, 0.3 * h)) + np.float32(0.75 * anatomy.wall)
    torso = (
        1.72 * wide * np.sqrt(np.clip(1 - np.abs(t) ** np.float32(2.8), 0, None)) * smoothstep((y + 6) / 7)
    )
    neck = 2 * np.sqrt(np.clip(5.6**2 - (z + 1.5 + 0.25 * y) ** 2, 0, None)) * (1 - smoothstep((y + 1) / 6))
    raised = ellipsoid(plane.x, y, (1.0 - 0.4 * arm, -3.5), (10.5, 7.5 + 0.6 * arm, 7.5), 0.4)
    total = np.cbrt(torso**3 + neck**3 + raised**3)
    return total.astype(np.float32)


def lateral_heart(anatomy: Anatomy, plane: Plane, ratio: float | None, sink: float) -> Map:
    """The heart behind the lower sternum: chord along ``x``."""
    width = (ratio or anatomy.heart_ratio) * 2 * anatomy.half_width
    grow = width / 12.0
    ventricles = ellipsoid(
        plane.x,
        plane.y,
        (-4.2 + 2.4 * (grow - 1), anatomy.heart_y + sink + 1.6),
        (4.3 * grow, 6.6 * grow, 0.36 * width),
        0.75,
    )
    atrium = ellipsoid(
        plane.x, plane.y, (-0.4, anatomy.heart_y + sink - 0.8), (3.4 * grow, 4.6 * grow, 0.26 * width)
    )
    return np.cbrt(ventricles**3 + atrium**3).astype(np.float32)


def lateral_vessels(anatomy: Anatomy, plane: Plane) -> Map:
    """The aortic arch, the descending aorta before the spine, the great vessels in front of the trachea."""
    x, y, h = plane.x, plane.y, anatomy.lung_height
    top = np.float32(0.36 * h)
    ring = np.hypot((x - 1.2) / np.float32(1.15 + 0.15 * anatomy.uncoil), y - top)
    radius = np.float32(0.75 * anatomy.knob)
    arch = 2 * np.sqrt(np.clip(radius**2 - (ring - 3.4) ** 2, 0, None)) * smoothstep((top + 0.5 - y) / 1.0)
    path = 5.2 + 1.3 * np.sin(np.pi * np.clip((y / h - 0.3) / 0.8, 0, 1))
    down = 2 * np.sqrt(np.clip(1.25**2 - (x - path) ** 2, 0, None)) * smoothstep((y - top) / 1.5)
    great = ellipsoid(x, y, (-1.6, 0.20 * h), (1.8, 5.0, 1.6), -0.15)
    trunk = ellipsoid(x, y, (-1.0, 0.47 * h), (2.6, 1.9, 1.8), 0.4)
    return (0.8 * arch + 0.9 * down + great + trunk).astype(np.float32)


def build_lateral(anatomy: Anatomy, plane: Plane, position: Positioning, ratio: float | None) -> Chest:
    """All chords of a lateral film; ``lungs`` is right and left, which lie over one another."""
    profile = cage_profile(anatomy, plane.y)
    sink = position.inspiration
    domes = (anatomy.dome + sink, anatomy.dome + sink + anatomy.dome_step)
    heart = lateral_heart(anatomy, plane, ratio, 0.9 * sink)
    vessels = lateral_vessels(anatomy, plane)
    lungs = tuple(
        np.clip(lateral_lung(anatomy, plane, profile, dome) - share * heart - 0.5 * vessels, 0, None)
        for dome, share in zip(domes, (0.40, 0.68), strict=True)
    )
    h = anatomy.lung_height
    path = 0.2 + 0.24 * np.clip(plane.y + 5, 0, None)
    trachea = 1.9 * np.sqrt(np.clip(0.85**2 - (plane.x - path) ** 2, 0, None))
    airway = trachea * smoothstep((0.40 * h - plane.y) / 1.0) * smoothstep((plane.y + 7) / 3)
    present, size, _ = anatomy.gas
    bubble = ellipsoid(
        plane.x, plane.y, (0.0, domes[1] + 0.8 + 0.62 * size), (1.2 * size, 0.75 * size, size), 0.1
    )
    hilum = ((0.5, 0.445 * h), (0.8, 0.405 * h))
    return Chest(
        lateral_body(anatomy, plane, profile, position.arm),
        heart,
        vessels,
        (lungs[0], lungs[1]),
        airway.astype(np.float32),
        bubble * np.float32(0.6 if present < 0.6 else 0.0),
        domes,
        hilum,
    )
