"""What is drawn before anything is rendered: the patient, the lesions, and how each picture is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lab.data.phantom_skin.classes import (
    AGES,
    DEVICE_CHANCES,
    KINDS,
    LABELS,
    MALE,
    SHARES,
    SITE_CHANCES,
    SITES,
    Kind,
)
from lab.data.phantom_skin.fields import stream

TONES = ("I", "II", "III", "IV", "V", "VI")
TONE_CHANCES = (0.24, 0.44, 0.23, 0.055, 0.025, 0.01)
SECOND_LESION, SAME_CLASS = 0.35, 0.4
FIELD = 11.0  # mm a picture shows at zoom 1


@dataclass(frozen=True)
class Patient:
    """One person.

    Attributes:
        tone: Fitzpatrick type. damage: sun damage, 0 to 1. flush: extra blood of the skin, density.
        hairiness, hair_dark: 0 to 1; what pictures of this skin have of hair, and how dark it is.
        device: number of the camera in `camera.DEVICES`.
        labels: class of each lesion, one or two. sites: where each lies.
    """

    sex: str
    age: int
    tone: str
    damage: float
    flush: float
    hairiness: float
    hair_dark: float
    device: int
    labels: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Lesion:
    """One lesion; lengths in mm.

    Attributes:
        radius: mean radius; elongation, turn: of its ellipse.
        waves: (order, amplitude, phase) of the outline. warp: mm by which noise moves it.
        blur: least and most width of its edge.
        brown, red: density of the ground. core: how much denser the middle is, 0 to 1; rise: share of the radius from
            the edge over which it becomes so. hue: what yellow, and what green, this pigment takes off more.
        structures: name to strength above 0.
    """

    label: str
    kind: Kind
    radius: float
    elongation: float
    turn: float
    waves: tuple[tuple[int, float, float], ...]
    warp: float
    blur: tuple[float, float]
    brown: float
    red: float
    patchy: float
    core: float
    rise: float
    hue: tuple[float, float]
    structures: Mapping[str, float]


@dataclass(frozen=True)
class Shot:
    """How one picture is taken: field in mm, radians, mm, and the light."""

    field: float
    turn: float
    centre: tuple[float, float]
    squeeze: float
    exposure: float
    warmth: float
    slant: tuple[float, float]
    shade: tuple[float, float, float]
    contrast: float
    blur: float
    noise: float


def draw_patient(seed: int, patient: int) -> Patient:
    """One person, with classes, places and camera; the camera goes with the class as it does in public sets."""
    rng = stream(seed, "patient", patient)
    first = LABELS[int(rng.choice(len(LABELS), p=SHARES))]
    labels = [first]
    if rng.random() < SECOND_LESION:
        other = LABELS[int(rng.choice(len(LABELS), p=SHARES))]
        labels.append(first if rng.random() < SAME_CLASS else other)
    mean, spread = AGES[first]
    age = int(np.clip(round(rng.normal(mean, spread)), 18, 92))
    sex = "male" if rng.random() < MALE else "female"
    sites = tuple(SITES[int(rng.choice(len(SITES), p=SITE_CHANCES[label]))] for label in labels)
    exposed = any(site in ("face", "scalp", "neck", "chest", "upper extremity") for site in sites)
    damage = np.clip((age - 40) / 45 * 0.6 + 0.25 * exposed + rng.normal(0, 0.2), 0, 1)
    hairy = rng.beta(0.7, 2.0) * (1.0 if sex == "male" else 0.6)
    return Patient(
        sex,
        age,
        TONES[int(rng.choice(len(TONES), p=TONE_CHANCES))],
        float(damage),
        float(rng.normal(-0.02, 0.07)),
        float(hairy),
        float(np.clip(1.1 - max(age - 55, 0) / 45 + rng.normal(0, 0.25), 0, 1)),
        int(rng.choice(len(DEVICE_CHANCES[first]), p=DEVICE_CHANCES[first])),
        tuple(labels),
        sites,
    )


def draw_lesion(seed: int, patient: int, number: int, label: str) -> Lesion:
    """The lesion `number` (0 or 1) of a patient."""
    rng = stream(seed, "lesion", patient, number)
    kinds = KINDS[label]
    kind = kinds[int(rng.choice(len(kinds), p=[k.weight for k in kinds]))]
    fill = float(np.clip(kind.fill * np.exp(rng.normal(0, 0.32)), 0.14, 1.05))
    irregular = kind.irregular * float(np.exp(rng.normal(0, 0.3)))
    waves = tuple(
        (order, float(irregular * rng.normal(0, 0.46) / order**1.15), float(rng.uniform(0, 2 * np.pi)))
        for order in range(2, 8)
    )
    low, high = kind.blur
    edge = float(rng.uniform(0.6, 1.25))
    structures = {
        name: float(rng.uniform(least, most)) if rng.random() < chance else 0.0
        for name, (chance, least, most) in kind.structures.items()
    }
    return Lesion(
        label,
        kind,
        fill * FIELD / 2,
        float(abs(rng.normal(0, kind.elongation)) + rng.uniform(0, 0.15)),
        float(rng.uniform(0, np.pi)),
        waves,
        fill * FIELD / 2 * (0.05 + 0.20 * irregular),
        (low * edge * fill / 0.5, high * edge * fill / 0.5),
        float(kind.brown * np.exp(rng.normal(0, kind.spread))),
        float(max(kind.red + rng.normal(0, 0.1), 0)),
        float(kind.patchy * np.exp(rng.normal(0, 0.25))),
        float(rng.uniform(0.1, 0.75)),
        float(rng.uniform(0.35, 1.1)),
        (float(rng.normal(0.05, 0.22)), float(rng.normal(0, 0.09))),
        {name: value for name, value in structures.items() if value > 0},
    )


def draw_shot(seed: int, patient: int, film: int, radius: float) -> Shot:
    """How film `film` of a patient is taken: another angle, zoom and light each time."""
    rng = stream(seed, "shot", patient, film)
    field = FIELD * float(np.exp(rng.normal(0, 0.12)))
    aside = rng.normal(0, 0.045, 2) * field
    return Shot(
        field,
        float(rng.normal(0, 0.6)),
        (float(aside[0]), float(aside[1])),
        float(np.clip(rng.normal(1, 0.03), 0.92, 1.08)),
        float(rng.normal(0, 0.09)),
        float(rng.normal(0, 0.05)),
        (float(rng.normal(0, 0.05)), float(rng.normal(0, 0.05))),
        (float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06)), float(abs(rng.normal(0, 0.10)) + 0.03)),
        float(np.exp(rng.normal(0, 0.13))),
        float(np.exp(rng.normal(np.log(0.55), 0.35))),
        float(np.exp(rng.normal(np.log(0.7), 0.4))),
    )
