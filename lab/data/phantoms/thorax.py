"""Soft tissue and lungs as chord lengths along the beam, in centimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, Positioning
from lab.data.phantoms.geometry import Map, Plane, ellipsoid, smoothstep

APEX_X = 5.0


def wall_half_width(anatomy: Anatomy, y: Map) -> Map:
    """Inner half-width of the rib cage at height ``y`` (cm)."""
    u = np.clip(y / np.float32(anatomy.lung_height), 0, 1.3).astype(np.float32)
    rise = (1 - np.clip(1 - u / 0.92, 0, 1) ** 2.6) ** np.float32(0.5)
    barrel = 1 - np.float32(0.10) * np.clip(u - 0.72, 0, None) ** 2 * 6
    return (APEX_X + (anatomy.half_width - APEX_X) * rise * barrel).astype(np.float32)


@dataclass(frozen=True)
class Chest:
    """Chord lengths in cm, each (size, size) float32. ``lungs`` is right and left of the patient, in that order."""

    body: Map
    heart: Map
    mediastinum: Map
    lungs: tuple[Map, Map]
    airway: Map
    gas: Map
    diaphragm: tuple[float, float]
    hilum: tuple[tuple[float, float], tuple[float, float]]


def heart_chord(
    anatomy: Anatomy, plane: Plane, view: str, ratio: float | None, sink: float
) -> tuple[Map, Map]:
    """The heart, and the heart with what it rests on.

    The left border runs from the pulmonary trunk to the apex, nearly straight; the right one bulges as the right
    atrium. Below its widest place the heart is round, but no film shows it: fat, diaphragm and liver carry it.
    """
    usual = ratio or anatomy.heart_ratio
    width = usual * 2 * anatomy.half_width * (1.07 if view == "AP" and ratio is None else 1.0)
    grow = width / (0.445 * 2 * 13.6)
    x = plane.x - np.float32(plane.depth_shift(3.0))
    y = plane.y - np.float32(anatomy.heart_y - 2.0 * (grow - 1) + sink)
    down = np.clip((y / width + 0.56) / 0.68, 0, 1)
    bow = 0.025 + 0.55 * (0.62 - anatomy.heart_tilt)
    left = 2.5 + (0.61 * width - 2.5) * down ** np.float32(1.15) + bow * width * np.sin(np.pi * down)
    right = 1.7 + (0.32 * width - 1.7) * smoothstep(1.25 * down - 0.12)
    across = (2 * x - left + right) / (left + right)
    flat = np.abs(across) ** np.float32(2.4)
    low = np.clip(y / width - 0.06, 0, None) / np.float32(0.34)
    depth = np.float32(8.6 * grow) * smoothstep((y / width + 0.60) / 0.42)
    heart = depth * np.sqrt(np.clip(1 - flat - low * low, 0, None))
    carried = depth * np.sqrt(np.clip(1 - flat - low * low, 0, None))
    return heart.astype(np.float32), carried.astype(np.float32)


def mediastinum_chord(anatomy: Anatomy, plane: Plane) -> Map:
    """Great vessels and the tissue around the spine."""
    x, y, h = plane.x, plane.y, anatomy.lung_height
    bend = np.float32(anatomy.scoliosis) * np.sin(np.pi * np.clip(y / h, -0.2, 1.2)).astype(np.float32)
    front, back = plane.depth_shift(2.0), plane.depth_shift(-5.0)
    half = anatomy.mediastinum * (0.86 + 0.14 * np.cos(2 * np.pi * (y / h - 0.12))).astype(np.float32)
    column = 15 * np.clip(1 - ((x - bend - front) / (half + 0.7)) ** 2, 0, None) ** np.float32(1.2)
    knob = ellipsoid(
        x, y, (1.7 + 0.3 * anatomy.uncoil + front, 0.30 * h), (anatomy.knob + 0.35, anatomy.knob, 2.2), 0.5
    )
    trunk = ellipsoid(x, y, (2.2 + front, 0.415 * h), (1.9, 2.0, 2.2), 0.6)
    cava = ellipsoid(x, y, (-1.3 + front, 0.33 * h), (1.2, 6.2, 1.4))
    ascending = ellipsoid(x, y, (-1.1 - 0.6 * anatomy.uncoil + front, 0.44 * h), (1.6, 4.2, 1.9), 0.1)
    path = 1.45 + anatomy.uncoil * np.sin(np.pi * np.clip((y / h - 0.3) / 0.65, 0, 1)) + back
    aorta = 2 * np.sqrt(np.clip(1.35**2 - (x - path) ** 2, 0, None)) * smoothstep((y / h - 0.27) / 0.06)
    total = np.maximum(column, knob * 1.6) + 0.8 * trunk + cava + ascending + aorta
    return total.astype(np.float32)


def lung_chord(anatomy: Anatomy, plane: Plane, side: int, dome: float, shift: float) -> Map:
    """Chord of one lung (``side`` -1 patient's right, +1 left), diaphragm cut, heart not yet taken out."""
    h = np.float32(anatomy.lung_height)
    u = plane.y / h
    across = plane.x * side
    outer = wall_half_width(anatomy, plane.y)
    inner = 1.2 + (APEX_X - 1.2) * np.clip(1 - u / 0.24, 0, 1) ** np.float32(1.8)
    inner = inner + np.float32(shift * side) * smoothstep(u * 2)
    q = (2 * across - outer - inner) / np.maximum(outer - inner, 0.3)
    cage = np.clip(across / outer, 0, 1) ** np.float32(2.3)
    medial = np.clip(-q, 0, 1) ** np.float32(3.2)
    profile = np.sqrt(1 - cage) * (1 - medial) * (q < 1) * (q > -1)
    depth = np.sqrt(np.clip(1 - np.clip(1 - u / 0.8, 0, 1) ** 1.9, 0, None)) * (u > 0)
    chord = np.float32(anatomy.lung_depth) * profile * depth
    reach = (across - 5.6) / (anatomy.half_width - 5.6)
    drop = np.where(
        reach > 0,
        np.float32(anatomy.dome_drop) * np.clip(reach, 0, None) ** 2.3,
        1.6 * np.minimum(reach, 0) ** 2 * 1.8,
    )
    below = np.clip(plane.y - dome - drop, 0, None)
    return np.clip(chord - np.float32(anatomy.lung_depth * 0.80) * np.sqrt(below / 2.2), 0, None).astype(
        np.float32
    )


def body_chord(anatomy: Anatomy, plane: Plane, position: Positioning) -> Map:
    """Torso, neck, shoulders, arms and breasts."""
    x, y = np.abs(plane.x), plane.y
    h = anatomy.lung_height
    half = wall_half_width(anatomy, np.maximum(y, 0.45 * h)) + np.float32(anatomy.wall)
    half = (
        half
        + np.float32(0.4) * smoothstep((y - 0.75 * h) / (0.5 * h))
        - np.float32(0.02) * np.clip(0.6 * h - y, 0, None)
    )
    ridge = (
        -3.9
        + 0.45 * (anatomy.clavicle_slope + 0.06 * position.arm) * np.clip(x - 5.5, 0, None)
        + 0.03 * np.clip(x - 15, 0, None) ** 2
        - 6.0 * np.exp(-np.clip(x - 4.8, 0, None) / 1.9)
        - 1.1 * np.clip(4.8 - x, 0, None) ** 2
    )
    under = smoothstep((y - ridge) / 4.6) ** np.float32(0.5)
    flat = (
        under
        * np.float32(anatomy.body_depth)
        * (1 - np.float32(0.34) * smoothstep((0.45 * h - y) / (0.6 * h)))
    )
    flat = flat * (1 + np.float32(0.15) * smoothstep((y - 0.4 * h) / (0.6 * h)))
    torso = flat * np.clip(1 - (x / half) ** np.float32(3.2), 0, None) ** np.float32(0.5)
    edge = np.float32(anatomy.shoulder + 4.0)
    round_off = np.clip(1 - (x / edge) ** 8, 0, None) ** np.float32(0.5)
    fade = 1 - smoothstep((y - 6.0 - 0.25 * position.arm) / 9)
    shoulder = np.float32(0.56 * anatomy.body_depth) * under * round_off * fade
    wide = 5.0 + 1.6 * smoothstep((y + 8) / 8)
    neck = 2.7 * np.sqrt(np.clip(wide**2 - x * x, 0, None)) * (1 - smoothstep((y + 4) / 10))
    arm_x = anatomy.shoulder + 0.4 + 0.10 * (y - 3) + position.arm
    arm = (
        2
        * np.sqrt(np.clip((4.6 + 0.4 * anatomy.wall) ** 2 - (x - arm_x) ** 2, 0, None))
        * smoothstep((y - 0.5) / 3)
    )
    body = np.cbrt(torso**3 + shoulder**3 + neck**3 + arm**3).astype(np.float32)
    return body + breast_chord(anatomy, plane) + girdle_chord(anatomy, plane, position)


def girdle_chord(anatomy: Anatomy, plane: Plane, position: Positioning) -> Map:
    """Muscles of the shoulder girdle: pectoral and latissimus folds in front of and behind the outer lung."""
    x, y, h = np.abs(plane.x), plane.y, anatomy.lung_height
    edge = anatomy.half_width + 0.4 * anatomy.wall + 0.5 * position.scapula
    across = smoothstep((x - edge + 5.5) / 6.0) * smoothstep((edge + 5.5 - x) / 4.0)
    along = smoothstep((y + 1.0) / 5.0) * smoothstep((1.02 * h - y) / (0.5 * h))
    return (np.float32(3.2 * anatomy.muscle) * across * along).astype(np.float32)


def breast_chord(anatomy: Anatomy, plane: Plane) -> Map:
    """Breasts in front of the lower lungs; a thin pectoral fold in men."""
    x, y = np.abs(plane.x - np.float32(plane.depth_shift(9.0))), plane.y
    pectoral = (
        np.float32(1.1)
        * smoothstep((0.55 * anatomy.lung_height - y) / 4)
        * smoothstep((x - 4) / 5)
        * smoothstep((17 - x) / 4)
    )
    if anatomy.breast <= 0:
        return pectoral
    size = 4.6 + 0.45 * anatomy.breast
    upper = y < anatomy.breast_y
    tall = np.where(upper, np.float32(1.9 * size), np.float32(0.78 * size))
    q = ((x - 0.62 * anatomy.half_width) / np.float32(size * 1.05)) ** 2 + (
        (y - anatomy.breast_y) / tall
    ) ** 2
    bulge = np.clip(1 - q, 0, None) ** np.float32(0.8) * (
        1 - np.float32(0.45) * np.clip((anatomy.breast_y - y) / tall, 0, 1)
    )
    return pectoral + np.float32(anatomy.breast) * bulge.astype(np.float32)


def build_chest(
    anatomy: Anatomy, plane: Plane, position: Positioning, ratio: float | None, shift: float
) -> Chest:
    """All chords of one film. ``ratio`` overrides the heart width; ``shift`` (cm) pushes the mediastinum sideways."""
    moved = Plane(
        plane.size, plane.pixel, plane.centre, plane.tilt, plane.turn, plane.x - np.float32(shift), plane.y
    )
    heart, carried = heart_chord(anatomy, moved, position.view, ratio, 0.9 * position.inspiration)
    mediastinum = mediastinum_chord(anatomy, moved)
    domes = (anatomy.dome + position.inspiration, anatomy.dome + position.inspiration + anatomy.dome_step)
    inner = carried * np.float32(1.2) + mediastinum
    lungs = tuple(
        np.clip(lung_chord(anatomy, plane, side, dome, shift) - inner, 0, None)
        for side, dome in zip((-1, 1), domes, strict=True)
    )
    h = anatomy.lung_height
    bend = 0.25 - 0.35 * np.clip(plane.y / h, 0, 1)
    tube = 1.5 * np.sqrt(np.clip(0.9**2 - (moved.x + bend - plane.depth_shift(1)) ** 2, 0, None))
    airway = tube * smoothstep((0.36 * h - plane.y) / 1.0)
    for side, drop in ((-1, 1.9), (1, 1.3)):
        along = np.clip((moved.x * side) / 3.6, 0, 1)
        bronchus = 2 * np.sqrt(
            np.clip(0.55**2 - ((plane.y - 0.345 * h - drop * along - 0.4 * along) * 0.85) ** 2, 0, None)
        )
        airway = np.maximum(airway, bronchus * (along > 0) * (1 - smoothstep((along - 0.8) / 0.2)))
    present, radius, place = anatomy.gas
    bubble = ellipsoid(
        plane.x,
        plane.y,
        (place, domes[1] + 0.7 + 0.62 * radius),
        (radius * 1.25, radius * 0.75, radius),
        0.15,
    )
    gas = bubble * np.float32(0.45 if present < 0.45 else 0.0)
    hilum = ((-3.3 + shift, 0.445 * h), (3.5 + shift, 0.405 * h))
    return Chest(
        body_chord(anatomy, plane, position),
        heart,
        mediastinum,
        (lungs[0], lungs[1]),
        airway.astype(np.float32),
        gas,
        domes,
        hilum,
    )
