"""What lies around the heart in a short-axis picture: chest wall, lungs, diaphragm, spine and vessels.

Everything is laid out in heart coordinates (septum left, anterior wall up): the front chest wall lies to the left, the
back to the right, the diaphragm below. The turn of the picture carries all of it along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantom_heart.canvas import Canvas, Grain, Map, cover
from lab.data.phantom_heart.draws import Patient
from lab.data.phantom_heart.organs import paint_organs

Levels = dict[str, float]


@dataclass(frozen=True)
class Build:
    """One patient's trunk in mm and radians, heart coordinates."""

    centre: tuple[float, float]
    radii: tuple[float, float, float]  # towards front and back, up, down
    power: float
    tilt: float
    waves: tuple[float, float, float, float]
    fat: float
    breast: float
    muscle: float
    floor: float  # of the heart: where the diaphragm passes under the long axis
    slope: float  # of the diaphragm towards the back
    dome: float
    peak: float
    liver_end: float
    nestle: float  # how widely fat fills the angles between heart, chest wall and diaphragm, mm
    aorta: tuple[float, float, float]  # angle, distance, radius; radius 0 where it lies outside the picture


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Maps (n, n) of one slice: depth inside the ribs and under the diaphragm in mm, the share that is lung, and how
    tissue bends the field, about -1 to 1.
    """

    inner: Map
    below: Map
    lung: Map
    bend: Map


def draw_build(patient: Patient, front: float, under: float, rng: np.random.Generator) -> Build:
    """Draw the trunk.

    Args:
        front, under: mm from the long axis to the heart's outer edge at the front and below.
    """
    size = (patient.bsa / 1.9) ** 0.5
    radii = (rng.uniform(78, 100) * size, rng.uniform(84, 128) * size, rng.uniform(130, 170) * size)
    drop = rng.uniform(0, 30)
    power = rng.uniform(2.0, 2.5)
    edge = radii[0] * (1 - (drop / radii[1]) ** power) ** (1 / power)
    return Build(
        centre=(edge - front - rng.uniform(-2, 13), drop),
        radii=radii,
        power=power,
        tilt=float(rng.normal(0.28, 0.24)),
        waves=tuple(float(v) for v in rng.normal(0, (0.03, 0.03, 0.018, 0.018))),  # type: ignore[arg-type]
        fat=patient.build,
        breast=float(rng.uniform(3, 28) if patient.sex == "F" else rng.uniform(0, 8)),
        muscle=float(rng.uniform(9, 19)),
        floor=under - rng.uniform(-3, 9),
        slope=float(rng.normal(0.12, 0.32)),
        dome=float(rng.uniform(2, 16)),
        peak=float(rng.uniform(-10, 55)),
        liver_end=float(rng.normal(10, 24)),
        nestle=float(4 + 26 * patient.fat * rng.uniform(0.4, 1.3)),
        aorta=(
            float(rng.uniform(0.25, 1.25)),
            float(rng.uniform(58, 100)),
            float(rng.uniform(8, 12)) * float(rng.random() < 0.7),
        ),
    )


def paint_body(
    canvas: Canvas, build: Build, depth: float, levels: Levels, rng: np.random.Generator
) -> Surroundings:
    """Paint everything but the heart and the fat around it.

    Args:
        depth: mm from the valve plane towards the apex: chest wall and diaphragm come nearer with it.
        rng: of this slice's texture.
    """
    grain = Grain(rng, canvas.size, canvas.step)
    inner = _inner(canvas, build, depth) + 1.5 * grain.at(32)
    soft = np.asarray(canvas.step * 2.1 + np.clip(3.5 + 4.2 * grain.at(64), 0, 12))
    _wall(canvas, build, inner, soft, levels, grain)
    hollow = cover(-inner, soft)
    haze = 1.0 + 0.3 * grain.at(64) + 0.25 * grain.at(16) + 0.2 * grain.at(5.6)
    fade = 1 + 0.5 * np.clip(canvas.x / 90, -0.8, 1)  # the back of the lung holds more blood
    canvas.paint(hollow, np.clip(haze * fade, 0.1, None) * np.float32(levels["lung"] * rng.uniform(0.5, 1.8)))
    below = _below(canvas, build, depth, grain)
    _lung_vessels(canvas, inner, below, levels, rng)
    under = cover(-below, soft) * hollow
    canvas.paint(np.asarray(under), levels["muscle"] * 0.9)
    floor, liver_end = build.floor - 0.22 * (depth - 40), build.liver_end + 0.3 * (depth - 40)
    paint_organs(canvas, below, hollow, soft, (liver_end, floor), levels, grain)
    _spine(canvas, build, levels, rng)
    uneven = (1 + 0.07 * grain.at(11) + 0.06 * grain.at(23)) * (1 + 0.05 * grain.at(5.6))
    canvas.water *= uneven
    canvas.fat *= 1 + 0.45 * (uneven - 1)
    return Surroundings(inner, below, np.asarray(hollow * cover(below, 8.0)), grain.at(90))


def _inner(canvas: Canvas, build: Build, depth: float) -> Map:
    """Depth (mm) inside the ribs' inner surface, negative outside it; about right near the surface."""
    across = canvas.x - np.float32(build.centre[0] + 0.16 * (depth - 40))
    down = canvas.y - np.float32(build.centre[1])
    ct, st = np.float32(np.cos(build.tilt)), np.float32(np.sin(build.tilt))
    x, y = ct * across + st * down, ct * down - st * across
    a, b = np.float32(build.radii[0]), np.where(y < 0, *(np.float32(r) for r in build.radii[1:]))
    power = np.float32(build.power)
    q = (np.abs(x / a) ** power + np.abs(y / b) ** power) ** (1 / power)
    r = np.sqrt(x * x + y * y)
    c, s = x / (r + 1e-3), y / (r + 1e-3)
    w = build.waves
    q *= (
        1
        + w[0] * (c * c - s * s)
        + w[1] * 2 * c * s
        + w[2] * c * (c * c - 3 * s * s)
        + w[3] * s * (3 * c * c - s * s)
    )
    return np.asarray(r * (1 / np.maximum(q, 1e-3) - 1), np.float32)


def _wall(canvas: Canvas, build: Build, inner: Map, soft: Map, levels: Levels, grain: Grain) -> None:
    """Skin, fat, muscle in sheets and ribs."""
    x, y = canvas.x - np.float32(build.centre[0]), canvas.y - np.float32(build.centre[1])
    angle = np.arctan2(y, x)  # 0 the back, half a turn the front, negative upwards
    back = np.float32(1) + np.float32(1.1) * np.exp(-((angle / np.float32(0.9)) ** 2))
    waves = grain.at(64)
    muscle = build.muscle * back * (1 + 0.28 * waves)
    bulge = np.exp(-(((np.abs(angle) - np.float32(2.5)) / np.float32(0.45)) ** 2)) * (y < 0)
    fat = build.fat * (1 + 0.3 * np.sin(2 * angle + 1.0)) + build.breast * bulge
    surface = inner + muscle + fat
    strands = grain.at(11)
    septa = 1 - np.float32(0.08) * np.clip(1 - np.abs(grain.at(16)) / 0.3, 0, 1)
    canvas.paint(cover(-surface, soft), levels["muscle"] * 0.8)
    canvas.paint(cover(-surface + 1.6, soft), 0.0, levels["fat"] * septa)
    canvas.paint(cover(-(inner + muscle) + 1.5 * strands, soft), levels["muscle"] * (1 + 0.15 * strands))
    for share in (0.35, 0.68):
        sheet = np.abs(inner + muscle * np.float32(share) + np.float32(2.2) * strands)
        thick = np.clip(0.4 + 1.3 * grain.at(45), 0, 2.6) * np.float32(0.5 + build.fat / 22)
        between = cover(sheet - thick, soft) * (thick > 0.1) * (inner < 0)
        canvas.paint(np.asarray(between, np.float32), 0.0, levels["fat"] * 0.95)
    _ribs(canvas, build, levels, grain.rng)
    lining = cover(np.abs(inner + 1.2) - np.clip(0.6 + waves, 0.1, 2), soft) * np.float32(0.75)
    canvas.paint(np.asarray(lining), 0.0, levels["fat"] * 0.8)


def _ribs(canvas: Canvas, build: Build, levels: Levels, rng: np.random.Generator) -> None:
    """Ribs cut obliquely: a dark shell round fatty marrow, or cartilage in front."""
    angle = float(rng.uniform(0, 0.3))
    while angle < 2 * np.pi:
        c, s = np.cos(angle), np.sin(angle)
        down = build.radii[1 if s < 0 else 2]
        q = (abs(c / build.radii[0]) ** build.power + abs(s / down) ** build.power) ** (-1 / build.power)
        turned = angle + build.tilt
        out = q + build.muscle * 0.42
        place = (build.centre[0] + out * np.cos(turned), build.centre[1] + out * np.sin(turned))
        radii = (rng.uniform(5, 9), rng.uniform(2.6, 4.2))
        tilt = turned + np.pi / 2 + rng.normal(0, 0.25)
        marrow = rng.uniform(0.1, 0.5)
        for scale, water, fat in (
            (1.0, levels["muscle"] * 0.35, 0.0),
            (0.62, levels["marrow"] * 0.6, levels["fat"] * marrow),
        ):
            found = canvas.disc(*place, (radii[0] * scale, radii[1] * scale), tilt, 3.0)
            if found is not None:
                canvas.paint(found[0] * np.float32(0.8), water, fat, at=found[1])
        angle += rng.uniform(20, 38) / q


def _lung_vessels(canvas: Canvas, inner: Map, below: Map, levels: Levels, rng: np.random.Generator) -> None:
    """Vessels cut across (dots) or along (short strokes), more and wider near the hilum."""
    for _ in range(int(rng.integers(60, 160))):
        along, turn = abs(rng.normal(0, 75)) + 16, rng.uniform(-3.0, 1.3)
        x, y = 14 + along * np.cos(turn), -4 + along * np.sin(turn)
        thick = float(np.clip(rng.gamma(2.0, 0.5) * (1.3 - along / 220), 0.4, 3.4))
        long = thick * float(rng.choice((1.0, 1.25, 1.8, 3.5), p=(0.5, 0.3, 0.16, 0.04)))
        found = canvas.disc(x, y, (long, thick), float(turn + rng.normal(0, 0.8)), rng.uniform(0.4, 2.0))
        share, shade = rng.uniform(0.3, 1.0), levels["blood"] * rng.uniform(0.5, 1.2)
        if found is not None:
            at = found[1]
            middle = ((at[0].start + at[0].stop) // 2, (at[1].start + at[1].stop) // 2)
            if inner[middle] > 2 and below[middle] < 0:
                canvas.paint(found[0] * np.float32(share), shade, 0.0, 0.7, at=at)


def _below(canvas: Canvas, build: Build, depth: float, grain: Grain) -> Map:
    """Depth (mm) under the diaphragm, negative above it."""
    lift = 0.22 * (depth - 40)
    off = canvas.x - np.float32(build.peak)
    hang = np.where(off > 0, build.slope * off + 0.0022 * off * off, 0.0016 * off * off)
    level = build.floor - lift + hang - build.dome * np.exp(-((off / 42) ** 2))
    level = np.maximum(level, -14.0) + 2.6 * grain.at(64) + 0.8 * grain.at(23)
    return np.asarray(canvas.y - level, np.float32)


def _spine(canvas: Canvas, build: Build, levels: Levels, rng: np.random.Generator) -> None:
    """The aorta and a vein before the spine, a vertebra, and the fluid of the spinal canal."""
    turn, far, wide = build.aorta
    if not wide:
        return
    c, s = np.cos(turn), np.sin(turn)
    stretch = rng.uniform(1.0, 1.7)
    parts = [
        (far + 34, 0.0, (20.0, 24.0), levels["marrow"], levels["fat"] * 0.25, 0.0),
        (far + 60, 4.0, (5.0, 8.0), levels["fluid"] * 0.45, 0.0, 0.0),
        (far, -9.0, (wide + 2.4, wide * 0.95 + 2.4), levels["muscle"] * 0.5, levels["fat"] * 0.5, 0.0),
        (far, -9.0, (wide + 1.2, wide * 0.95 + 1.2), levels["muscle"] * 0.7, 0.0, 0.0),
        (far, -9.0, (wide, wide * 0.95), levels["blood"] * rng.uniform(0.8, 1.15), 0.0, 1.0),
        (far + 4, 22.0, (6.5, 5.0), levels["venous blood"], 0.0, 1.0),
    ]
    for along, side, radii, water, fat, blood in parts:
        found = canvas.disc(
            along * c - side * s,
            along * s + side * c,
            (radii[0] * stretch, radii[1]),
            turn + rng.normal(0, 0.15),
            0.8,
        )
        if found is not None:
            canvas.paint(found[0], water, fat, blood, at=found[1])
