"""The heart in three dimensions over the cycle: radius tables of both ventricles by angle, height and moment.

A slice is read in polar coordinates about the long axis. Angle 0 is the middle of the septum, a quarter turn on the
anterior wall. Height runs from the valve plane (0) to the tip of the cavity (1). Myocardium is incompressible: each
wedge of wall keeps its volume, so walls thicken as the cavity narrows and the long axis shortens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_heart.draws import TERRITORIES, Patient, draw_patient, stream

Floats = NDArray[np.float64]
ANGLES, LEVELS = 180, 61
APEX = 1.15  # the outer apex lies below the cavity's tip
RV_END = 0.95
BLUNT = 0.68  # 0.5 would be half an ellipsoid, 1 a paraboloid
STEPS = 22


@dataclass(frozen=True, eq=False)
class Heart:
    """A patient's heart as tables.

    Attributes:
        endo_ed, endo_es: (LEVELS, ANGLES) mm, cavity radius of the left ventricle.
        wedge: (LEVELS, ANGLES) mm2, epicardial less endocardial radius squared at end-diastole.
        crescent_ed, crescent_es: (LEVELS, ANGLES) mm, breadth of the right ventricle outside the septum.
        length: mm, valve plane to the tip of the cavity at end-diastole.
        fall: mm, how far the valve plane comes down until end-systole.
        roughness: (3, ANGLES) about -1..1, the endocardium's own relief.
    """

    patient: Patient
    endo_ed: Floats
    endo_es: Floats
    wedge: Floats
    crescent_ed: Floats
    crescent_es: Floats
    length: float
    fall: float
    roughness: Floats


@dataclass(frozen=True, eq=False)
class Slice:
    """Contours of one slice at one moment, (ANGLES,) mm each; cavities of radius or breadth 0 are absent.

    `height` 0 valve plane .. 1 tip; `squeeze` 0 end-diastole .. 1 end-systole; `slope` mm of radius a mm of depth, how
    obliquely the wall passes through the slice.
    """

    endo: Floats
    epi: Floats
    crescent: Floats
    height: float
    squeeze: float
    slope: float
    twist: float


def angles() -> Floats:
    """The angles of all tables, -pi..pi."""
    return (np.arange(ANGLES) + 0.5) / ANGLES * 2 * np.pi - np.pi


@lru_cache(maxsize=8)
def heart_of(seed: int, number: int) -> Heart:
    """Build the heart of a patient; volumes and ejection fractions are the drawn ones to 0.1 ml."""
    patient = draw_patient(seed, number)
    rng = stream(seed, "heart", number)
    phi, height = angles(), np.linspace(0, APEX, LEVELS)[:, None]
    outline = 1 + 0.05 * _harmonics(phi, rng, (2, 3, 4)) + 0.023 * _harmonics(phi, rng, (5, 6, 7, 8))
    outline -= patient.flat * np.exp(-((phi / 0.75) ** 2))
    taper = rng.uniform(0.16, 0.26)
    profile = np.clip(1 - ((height + taper) / (1 + taper)) ** 2, 0, None) ** BLUNT
    unit = profile * (outline + 0.022 * _harmonics(phi, rng, (5, 7, 9, 11)))
    scale = (patient.lv_edv * 1000 / (_volume(unit**2, 1.0) * patient.elongation)) ** (1 / 3)
    length = patient.elongation * scale
    endo = unit * scale
    wall = _wall(patient, phi, height, rng)
    reach = np.clip(1 - ((height + taper) / (APEX + taper)) ** 2, 0, None) ** BLUNT
    epi = np.maximum(
        (scale * outline + wall) * reach, np.where(reach > 0, endo + 0.55 * wall * reach**0.5, 0)
    )
    wedge = np.clip(epi**2 - endo**2, 0, None)
    shorter = 1 - patient.shortening
    inward = _inward(patient, phi, height)
    target = patient.lv_edv * (1 - patient.lv_ef / 100) * 1000
    endo_es = _solve(lambda c: endo * (1 - np.clip(c * inward, 0, 0.96)), target, length * shorter)
    fall = length * patient.shortening
    crescent, crescent_es = _right(patient, rng, phi, height, (endo, endo_es), wedge, length)
    roughness = np.stack(
        [_harmonics(phi, rng, range(low, high)) for low, high in ((5, 10), (9, 16), (12, 24))]
    )
    return Heart(patient, endo, endo_es, wedge, crescent, crescent_es, length, fall, roughness)


def slice_at(heart: Heart, depth: float, moment: float) -> Slice:
    """The contours `depth` mm below the end-diastolic valve plane at a moment 0..1 of the cycle.

    Above the valve plane of the moment `height` is negative and the contours are those of the valve plane.
    """
    squeeze = squeeze_at(moment, heart.patient.systole)
    length = heart.length - heart.fall * squeeze
    height = (depth - heart.fall * squeeze) / length
    mix = lambda a, b: a + (b - a) * squeeze  # noqa: E731
    endo_at = mix(heart.endo_ed, heart.endo_es)
    endo, wedge = _level(endo_at, height), _level(heart.wedge, height)
    epi = np.sqrt(endo**2 + wedge * heart.length / length)
    crescent = _level(mix(heart.crescent_ed, heart.crescent_es), height)
    step = 4.0 / length
    slope = abs(float((_level(endo_at, height + step) - _level(endo_at, height - step)).mean())) / 8.0
    twist = heart.patient.twist * squeeze * (0.3 - min(max(height, 0.0), 1.0))
    return Slice(endo, epi, crescent, height, squeeze, slope, twist)


def squeeze_at(moment: float, systole: float) -> float:
    """How far the heart has contracted at a moment 0..1 of the cycle: 0 at end-diastole, 1 at end-systole.

    Smooth and periodic: a cosine up, an early fast filling to a tenth, a pause, and the atrial kick.
    """
    t = moment % 1.0
    if t < systole:
        return float(0.5 - 0.5 * np.cos(np.pi * t / systole))
    early = systole + 0.45 * (1 - systole)
    late = systole + 0.75 * (1 - systole)
    if t < early:
        return float(0.14 + 0.86 * (0.5 + 0.5 * np.cos(np.pi * (t - systole) / (early - systole))))
    if t < late:
        return 0.14
    return float(0.14 * (0.5 + 0.5 * np.cos(np.pi * (t - late) / (1 - late))))


def volumes_at(heart: Heart, moment: float) -> tuple[float, float]:
    """Volumes of the left and right cavity in ml, integrated over all heights."""
    squeeze = squeeze_at(moment, heart.patient.systole)
    length = heart.length - heart.fall * squeeze
    endo = heart.endo_ed + (heart.endo_es - heart.endo_ed) * squeeze
    crescent = heart.crescent_ed + (heart.crescent_es - heart.crescent_ed) * squeeze
    epi = np.sqrt(endo**2 + heart.wedge * heart.length / length)
    return _volume(endo**2, length) / 1000, _volume((epi + crescent) ** 2 - epi**2, length) / 1000


def thickest_wall(heart: Heart) -> float:
    """The thickest end-diastolic wall of the left ventricle between base and apical third, mm."""
    wall = np.sqrt(heart.endo_ed**2 + heart.wedge) - heart.endo_ed
    return float(wall[3 : int(0.75 / APEX * LEVELS)].max())


def _level(table: Floats, height: float) -> Floats:
    place = min(max(height, 0.0), APEX) / APEX * (LEVELS - 1)
    low = min(int(place), LEVELS - 2)
    part = place - low
    return np.asarray(table[low] * (1 - part) + table[low + 1] * part)


def _volume(squared: Floats, length: float) -> float:
    """Half the square of the radius, integrated over angle and height, mm3."""
    area = 0.5 * squared.mean(axis=1) * 2 * np.pi
    step = APEX / (LEVELS - 1) * length
    return float((area.sum() - 0.5 * (area[0] + area[-1])) * step)


def _harmonics(phi: Floats, rng: np.random.Generator, orders: range | tuple[int, ...]) -> Floats:
    total = np.zeros_like(phi)
    for order in orders:
        total += rng.normal() * np.cos(order * phi + rng.uniform(0, 2 * np.pi)) / np.sqrt(len(orders))
    return total


def _bump(phi: Floats, middle: float, width: float) -> Floats:
    apart = np.abs((phi - middle + np.pi) % (2 * np.pi) - np.pi)
    return 1 / (1 + np.exp((apart - width) / 0.14))


def _scar(patient: Patient, phi: Floats, height: Floats) -> Floats:
    if not patient.territory:
        return np.zeros((len(height), len(phi)))
    middle, width, top, bottom = TERRITORIES[patient.territory]
    along = 1 / (1 + np.exp(-(height - top) / 0.05)) / (1 + np.exp((height - bottom - 0.05) / 0.05))
    return _bump(phi, middle, width) * along


def _wall(patient: Patient, phi: Floats, height: Floats, rng: np.random.Generator) -> Floats:
    apart = np.abs((phi - patient.bulge_angle + np.pi) % (2 * np.pi) - np.pi)
    bulge = patient.septal_bulge * np.exp(-((apart / patient.bulge_width) ** 2))
    uneven = 0.09 * _harmonics(phi, rng, (1, 2, 3, 4)) + 0.04 * _harmonics(phi, rng, (5, 7, 9))
    wall = patient.wall * (1 + uneven) + bulge
    wall = wall * (1.0 - 0.22 * np.clip(height, 0, 1) ** 2)
    return wall * (1 - (1 - patient.scar_wall) * _scar(patient, phi, height))


def _inward(patient: Patient, phi: Floats, height: Floats) -> Floats:
    """How much of the contraction each part takes: less at the base, 5 % in a scar, where it bulges a little."""
    even = 0.9 + 0.25 * np.clip(height, 0, 1) + 0.06 * np.cos(2 * phi)
    return even * (1 - 0.95 * _scar(patient, phi, height))


def _solve(shape: object, target: float, length: float) -> Floats:
    """The cavity whose volume is the target, by bisection over how far it contracts."""
    low, high = 0.0, 1.6
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        larger = _volume(shape(middle) ** 2, length) > target  # type: ignore[operator]
        low, high = (middle, high) if larger else (low, middle)
    return np.asarray(shape(0.5 * (low + high)))  # type: ignore[operator]


def _hull(phi: Floats, radius: Floats, corners: list[tuple[Floats, Floats, Floats]]) -> Floats:
    """How far the hull of a circle (the left ventricle) and two smaller ones beside it reaches beyond the first.

    Args:
        phi: (ANGLES,) angles.
        radius: (LEVELS, 1) mm of the circle.
        corners: of each smaller circle the direction, its distance and its radius over that of the first.
    """
    reach = np.zeros((len(radius), len(phi)))
    (turn, far, small), (other_turn, other_far, other_small) = corners
    for side in np.linspace(0, 1, 5):
        x = (1 - side) * far * np.cos(turn) + side * other_far * np.cos(other_turn)
        y = (1 - side) * far * np.sin(turn) + side * other_far * np.sin(other_turn)
        direction, apart = np.arctan2(y, x), np.hypot(x, y)
        for part in np.linspace(0.15, 1, 6):
            off = part * apart * radius
            wide = radius * (1 + part * ((1 - side) * small + side * other_small - 1))
            under = wide**2 - (off * np.sin(phi - direction)) ** 2
            out = off * np.cos(phi - direction) + np.sqrt(np.clip(under, 0, None))
            reach = np.maximum(reach, np.where(under > 0, out - radius, 0))
    return reach


def _right(
    patient: Patient,
    rng: np.random.Generator,
    phi: Floats,
    height: Floats,
    endo: tuple[Floats, Floats],
    wedge: Floats,
    length: float,
) -> tuple[Floats, Floats]:
    """Breadth of the right ventricle at end-diastole and end-systole."""
    along = np.clip(1 - (np.clip(height, 0, None) / RV_END) ** rng.uniform(1.7, 2.6), 0, None) ** 0.8
    lean = rng.normal(-0.12, 0.12) + rng.uniform(0.1, 0.5) * np.clip(1 - height / 0.45, 0, 1)
    epi = np.sqrt(endo[0] ** 2 + wedge)
    far = rng.uniform(0.5, 0.85) * (1.25 if patient.label == "RV" else 1.0)
    mean, narrow = epi.mean(axis=1, keepdims=True), 0.2 * np.clip(height, 0, 1)
    corners = [
        (
            lean + side * rng.uniform(0.15, 0.5),
            1 - small + narrow + far * rng.uniform(0.8, 1.2) * along,
            small - narrow,
        )
        for side, small in ((1, rng.uniform(0.5, 0.85)), (-1, rng.uniform(0.4, 0.7)))
    ]
    form = _hull(phi, mean, corners)
    form = np.mean([np.roll(form, shift, axis=1) for shift in range(-4, 5, 2)], axis=0)
    form = form * (1 + 0.07 * _harmonics(phi, rng, (2, 3, 4)))
    found = []
    for cavity, share, part in zip(
        endo, (1.0, 1 - patient.rv_ef / 100), (1.0, 1 - patient.shortening), strict=True
    ):
        epi = np.sqrt(cavity**2 + wedge / part)
        target = patient.rv_edv * share * 1000
        low, high = 0.0, 9.0
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            larger = _volume((epi + middle * form) ** 2 - epi**2, length * part) > target
            low, high = (low, middle) if larger else (middle, high)
        found.append(0.5 * (low + high) * form)
    return found[0], found[1]
