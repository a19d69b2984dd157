"""Devices on the film: pacemakers, tubes and lines, as metal and barium that stop the beam like bone.

Every course is a smooth curve in patient centimetres, given depth too, so that it moves with the patient's rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantoms.anatomy import Anatomy
from lab.data.phantoms.draws import DEVICES, FindingSpec, Shape
from lab.data.phantoms.geometry import Map, Plane, blurred
from lab.data.phantoms.thorax import Chest

LEAST = 2.6 / 128  # width of a line as a share of the film: two whole pixels on a film of 128
GOLDEN = np.float32(np.pi * (3 - np.sqrt(5)))
DISC = 28
SEEN = 0.5  # cm of bone from which a pixel counts as device
STEP = 0.06  # cm between the samples of a course


@dataclass(frozen=True)
class Frame:
    """Where the courses run. ``height``: of the lungs; ``shift``: of the mediastinum; all in cm."""

    height: float
    shift: float
    heart: tuple[float, float]  # x and y of the tip of the right ventricle
    dome: float  # y of the left dome
    shoulder: float


def curve(*points: tuple[float, float, float]) -> Map:
    """A smooth curve (n, 3) in even steps from the first point to the last, drawn towards those between."""
    from scipy.interpolate import BSpline

    control = np.array(points, np.float64)
    degree = min(3, len(control) - 1)
    inner = np.linspace(0, 1, len(control) - degree + 1)[1:-1]
    knots = np.concatenate([np.zeros(degree + 1), inner, np.ones(degree + 1)])
    path = BSpline(knots, control, degree)(np.linspace(0, 1, 400))
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    even = np.linspace(0, run[-1], max(20, int(run[-1] / STEP)))
    return np.stack([np.interp(even, run, path[:, k]) for k in range(3)], -1).astype(np.float32)


def wire(path: Map, radius: float, density: float, hollow: float = 0.0) -> tuple[Map, Map]:
    """Points (n, 3) and volumes (n,) in cm^3 of bone of a rod or tube along ``path`` (m, 3).

    ``density``: what 1 cm of its material weighs in cm of bone; ``hollow``: inner over outer radius.
    """
    tangent = np.gradient(path, axis=0)
    length = np.linalg.norm(tangent, axis=1, keepdims=True) + np.float32(1e-9)
    across = np.cross(tangent / length, np.array([0, 0, 1], np.float32))
    across /= np.linalg.norm(across, axis=1, keepdims=True) + np.float32(1e-6)
    deep = np.cross(tangent / length, across)
    index = np.arange(DISC, dtype=np.float32)
    reach = np.sqrt(np.float32(hollow**2) + (index + 0.5) / DISC * np.float32(1 - hollow**2))
    turn = index * GOLDEN + np.arange(len(path), dtype=np.float32)[:, None] * np.float32(1.7)
    reach = np.float32(radius) * np.broadcast_to(reach, turn.shape)
    points = path[:, None] + (reach * np.cos(turn))[..., None] * across[:, None]
    points += (reach * np.sin(turn))[..., None] * deep[:, None]
    area = np.pi * radius**2 * (1 - hollow**2)
    mass = np.repeat(length[:, 0] * np.float32(area * density / DISC), DISC)
    return points.reshape(-1, 3).astype(np.float32), mass.astype(np.float32)


def can(centre: tuple[float, float, float], side: int, lean: float) -> tuple[Map, Map]:
    """A generator: a flat rounded box of metal whose battery is denser, with a lighter header on its upper edge."""
    count = 24000
    k = np.arange(count)
    u = (2 * np.mod(0.5 + k * 0.7548776662466927, 1) - 1).astype(np.float32)
    v = (2 * np.mod(0.5 + k * 0.5698402909980532, 1) - 1).astype(np.float32)
    half = (2.35, 2.25)
    body = np.abs(u) ** 3.2 + np.abs(v) ** 2.6 < 1
    thick = np.where(v > 0.05, 7.0, 5.0) + np.where((np.abs(u) ** 3.2 + np.abs(v) ** 2.6) > 0.84, 2.0, 0.0)
    thick = np.where(v < -0.62, 2.0, thick)
    c, s = np.cos(lean), np.sin(lean)
    x, y = u * half[0], v * half[1]
    points = np.stack([centre[0] + side * (c * x - s * y), centre[1] + s * x + c * y, 0 * x + centre[2]], -1)
    mass = thick * (4 * half[0] * half[1] / count)
    return points[body].astype(np.float32), mass[body].astype(np.float32)


def pacemaker(finding: FindingSpec, shape: Shape, frame: Frame, radius: float) -> list[tuple[Map, Map]]:
    """A can below the clavicle; one lead to the right ventricle, in most a second one to the atrium."""
    side = -1 if finding.side == "right" else 1
    j = shape.jitter
    x, y = side * (0.46 * frame.shoulder + 0.7 * j[0]), 4.6 + 1.0 * j[1]
    m, h = frame.shift, frame.height
    start = (x - side * 0.6, y - 1.9, 7.0)
    vein = (side * 5.6, 2.0 + 0.4 * j[1], 5.0)
    join = [(side * 3.2, 2.6, 4.0), (m - 1.0, 4.2 if side > 0 else 3.6, 3.0)]
    cava = [(m - 2.1, 0.30 * h, 2.0), (m - 2.3, 0.45 * h, 1.0)]
    tip = frame.heart
    ventricle = [
        (m - 2.9, 0.56 * h, 1.0),
        (m - 2.9, 0.70 * h, 1.0),
        (m - 1.4, tip[1] + 0.9, 3.0),
        (m + 1.6, tip[1] + 0.3, 5.0),
    ]
    parts = [can((x, y, 8.0), side, 0.12 + 0.15 * j[2])]
    lead = curve(start, (x - side * 2.2, y - 3.0, 6.0), vein, *join, *cava, *ventricle, (*tip, 6.0))
    parts += [wire(lead, radius, 3.0), wire(lead[-16:], radius * 1.2, 4.0)]
    if shape.extent < 0.65:
        hook = [(m - 2.4, 0.60 * h, 1.5), (m - 1.6, 0.66 * h, 3.0), (m - 0.4, 0.56 * h, 5.0)]
        second = curve(
            (start[0] + side * 0.5, *start[1:]),
            (x - side * 2.0, y - 3.5, 6.0),
            (vein[0], vein[1] - 0.5, vein[2]),
            *join,
            *cava,
            *hook,
        )
        parts += [wire(second, radius, 3.0), wire(second[-16:], radius * 1.2, 4.0)]
    return parts


def endotracheal(finding: FindingSpec, shape: Shape, frame: Frame, radius: float) -> list[tuple[Map, Map]]:
    """A tube in the trachea whose tip lies two to five centimetres above the carina, with a stripe in its wall."""
    tip = 0.345 * frame.height - (2.2 + 2.6 * shape.extent)
    x = frame.shift - 0.1
    sway = 0.35 * shape.jitter[0]
    path = curve((x + 2 * sway, -13.0, 3.0), (x + sway, -6.0, 1.5), (x, -1.0, 0.5), (x - 0.1, tip, 0.0))
    stripe = path + np.array([0.30 * np.sign(sway), 0, 0], np.float32)
    return [wire(path, max(0.55, 1.7 * radius), 1.3, 0.62), wire(stripe, 0.8 * radius, 4.5)]


def gastric(finding: FindingSpec, shape: Shape, frame: Frame, radius: float) -> list[tuple[Map, Map]]:
    """A tube down the oesophagus, through the hiatus and into the stomach below the left dome."""
    j, dome = shape.jitter, frame.dome
    x = 0.6 * frame.shift
    end = (4.2 + 2.2 * j[0], dome + 4.2 + 1.5 * j[1])
    path = curve(
        (x + 0.5 * j[2], -13.0, -1.0),
        (x + 0.9, -3.0, -3.0),
        (x + 0.3, 0.28 * frame.height, -4.0),
        (x + 0.2, 0.50 * frame.height, -4.0),
        (x + 0.6, dome - 4.0, -3.0),
        (x + 1.3, dome + 0.2, -2.0),
        (3.6, dome + 2.0, 0.0),
        (end[0] + 0.6, dome + 3.0, 1.0),
        (*end, 2.0),
    )
    return [wire(path, radius * 1.1, 1.6, 0.4), wire(path, 0.6 * radius, 4.4)]


def central(finding: FindingSpec, shape: Shape, frame: Frame, radius: float) -> list[tuple[Map, Map]]:
    """A catheter from the neck, the subclavian vein or the arm into the superior vena cava."""
    side = -1 if finding.side == "right" else 1
    m, h, j = frame.shift, frame.height, shape.jitter
    if shape.extent < 0.4:
        entry = [(side * 4.6, -9.0, 3.0), (side * 3.6, -4.0, 3.0), (side * 2.9, 1.0, 3.0)]
    elif shape.extent < 0.75:
        entry = [
            (side * (15.0 + j[0]), 5.6, 10.0),
            (side * (11.6 + j[0]), 4.2, 9.0),
            (side * 7.6, 2.4, 6.0),
            (side * 5.0, 1.9, 4.0),
        ]
    else:
        s = frame.shoulder
        entry = [(side * (s + 0.8), 12.0, -1.0), (side * (s - 1.4), 6.5, 0.0), (side * 0.70 * s, 3.4, 1.0)]
        entry += [(side * 8.0, 2.6, 3.0), (side * 5.4, 2.0, 4.0)]
    join = (
        [(-2.6 + m, 3.6, 3.0)]
        if side < 0
        else [(2.3 + m, 3.0, 4.0), (0.2 + m, 4.6, 4.0), (-1.6 + m, 5.6, 3.0)]
    )
    tip = (m - 2.2 - 0.2 * j[1], (0.42 + 0.05 * j[2]) * h, 1.5)
    path = curve(*entry, *join, (m - 2.1, 0.5 * (tip[1] + 6.5), 2.0), tip)
    return [wire(path, radius, 4.2)]


COURSES = {
    "pacemaker": pacemaker,
    "endotracheal tube": endotracheal,
    "gastric tube": gastric,
    "central line": central,
}


def frame_of(anatomy: Anatomy, plane: Plane, chest: Chest, shift: float) -> Frame:
    """The landmarks of one film: the ventricle's tip is found on its heart."""
    ventricle = (chest.heart > 1.5) & (plane.y > 0.6 * anatomy.lung_height) & (plane.x > 0)
    reach = np.percentile(plane.x[ventricle], 97) if ventricle.any() else 6.0
    tip = (0.62 * float(reach), min(chest.diaphragm[1] - 0.6, anatomy.heart_y + 3.6))
    return Frame(anatomy.lung_height, shift, tip, chest.diaphragm[1], anatomy.shoulder)


def device_thickness(
    findings: tuple[FindingSpec, ...], shapes: list[Shape], anatomy: Anatomy, plane: Plane, chest: Chest
) -> tuple[Map, np.ndarray]:
    """All devices among ``findings``: cm of bone along the beam (size, size), and where they lie (size, size) bool.

    Lines are at least two pixels wide on a film of 128 pixels, and so is what they cover in the mask.
    """
    from scipy import ndimage

    total = np.zeros_like(plane.x)
    chosen = [(f, s) for f, s in zip(findings, shapes, strict=True) if f.label in DEVICES]
    if not chosen:
        return total, np.zeros(total.shape, bool)
    frame = frame_of(anatomy, plane, chest, sum(s.shift for s in shapes))
    radius = max(0.27, 0.5 * LEAST * plane.pixel * plane.size)
    for finding, shape in chosen:
        parts = COURSES[finding.label](finding, shape, frame, radius)
        total += plane.splat(np.concatenate([p for p, _ in parts]), np.concatenate([m for _, m in parts]))
    covered, block = total > SEEN, np.ones((2, 2), bool)
    wide = ndimage.binary_opening(covered, block)
    where = wide | ndimage.binary_dilation(covered & ~wide, block)
    return blurred(total, 0.45 * plane.size / 256), where
