"""Who the patient is: disease group, volumes, walls, build, and the numbers that place the heart in the picture.

Lengths are millimetres, volumes millilitres. Every number comes from a stream of its own address, so the order of
work never changes a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

STREAMS = ("person", "heart", "body", "vendor", "texture", "noise", "caption")
GROUPS = {
    "NOR": "normal",
    "MINF": "myocardial infarction",
    "DCM": "dilated cardiomyopathy",
    "HCM": "hypertrophic cardiomyopathy",
    "RV": "abnormal right ventricle",
}
VENDORS = ("vendor A", "vendor B", "vendor C", "vendor D")
# Septal, inferior and lateral territories of the three coronary arteries: angle from the septum towards the anterior
# wall, half-width, and from where to where along the long axis (0 base, 1 apex).
TERRITORIES = {
    "anterior": (0.9, 0.95, 0.15, 1.0),
    "inferior": (-1.35, 0.75, 0.0, 0.75),
    "lateral": (2.9, 0.85, 0.0, 0.8),
}


@dataclass(frozen=True)
class Patient:
    """One patient. Angles in radians, counted from the middle of the septum towards the anterior wall."""

    patient_id: str
    label: str
    vendor: str
    sex: str
    age: int
    bsa: float  # body surface, m2
    lv_edv: float
    lv_ef: float  # percent
    rv_edv: float
    rv_ef: float
    wall: float  # mean end-diastolic wall of the left ventricle
    septal_bulge: float  # added to the septum at end-diastole
    bulge_angle: float
    bulge_width: float
    territory: str  # of an infarct, empty without
    scar_wall: float  # wall of the scar over the wall of the rest
    flat: float  # how far a loaded right ventricle flattens the septum, 0..0.2
    elongation: float  # long axis of the cavity over its radius
    shortening: float  # of the long axis from end-diastole to end-systole, share
    twist: float  # of the apex against the base at end-systole
    rv_wall: float
    systole: float  # end-systole as a share of the cycle
    fat: float  # epicardial fat, 0..1
    build: float  # subcutaneous fat
    rate: int  # beats a minute


def stream(seed: int, name: str, *address: int) -> np.random.Generator:
    """The random stream of one use, one patient and, where given, one slice or frame."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS.index(name), *address)))


def draw_patient(seed: int, number: int) -> Patient:
    """The patient `number` of a seed. Groups take turns, so that any run of patients holds all five alike."""
    rng = stream(seed, "person", number)
    turn = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(99, number // 5))).permutation(5)
    label = tuple(GROUPS)[int(turn[number % 5])]
    sex = "F" if rng.random() < 0.42 else "M"
    age = int(np.clip(rng.normal({"NOR": 46, "MINF": 61, "DCM": 55, "HCM": 53, "RV": 44}[label], 13), 18, 86))
    height = rng.normal(164, 6) if sex == "F" else rng.normal(177, 7)
    weight = float(np.clip(rng.normal(25.5, 4), 18, 38)) * (height / 100) ** 2
    bsa = float(np.sqrt(height * weight / 3600))
    volumes = _volumes(label, sex, bsa, rng)
    walls = _walls(label, rng)
    return Patient(
        patient_id=f"heart-{seed}-{number:05d}",
        label=label,
        vendor=VENDORS[int(stream(seed, "vendor", number).integers(4))],
        sex=sex,
        age=age,
        bsa=round(bsa, 2),
        **volumes,
        **walls,
        elongation=float(rng.uniform(3.1, 3.6) if label != "DCM" else rng.uniform(2.8, 3.2)),
        shortening=float(
            (0.05 + 0.0021 * min(volumes["lv_ef"], volumes["rv_ef"] + 15)) * rng.uniform(0.85, 1.15)
        ),
        twist=float(np.deg2rad(volumes["lv_ef"] / 60 * rng.uniform(6, 14))),
        systole=float(rng.uniform(0.33, 0.42)),
        fat=float(np.clip(rng.beta(2, 2.6) + 0.012 * (weight / (height / 100) ** 2 - 25), 0.03, 1)),
        build=float(
            np.clip(rng.gamma(4.0, 3.2) + (weight / (height / 100) ** 2 - 25) * 0.8 + 3 * (sex == "F"), 4, 40)
        ),
        rate=int(rng.integers(55, 96)),
    )


def _volumes(label: str, sex: str, bsa: float, rng: np.random.Generator) -> dict[str, Any]:
    male = sex == "M"
    left = (rng.uniform(64, 92) if male else rng.uniform(58, 84)) * bsa
    right = left * rng.uniform(1.02, 1.28)
    left_ef, right_ef = rng.uniform(56, 69), rng.uniform(50, 63)
    if label == "MINF":
        left, left_ef = rng.uniform(76, 118) * bsa, rng.uniform(22, 39)
        right, right_ef = left * rng.uniform(0.7, 0.98), rng.uniform(44, 60)
    elif label == "DCM":
        left, left_ef = rng.uniform(110, 175) * bsa, rng.uniform(13, 35)
        right, right_ef = left * rng.uniform(0.55, 0.85), rng.uniform(30, 50)
    elif label == "HCM":
        left, left_ef = rng.uniform(54, 82) * bsa, rng.uniform(60, 78)
        right = left * rng.uniform(0.9, 1.15)
    elif label == "RV":
        left, left_ef = rng.uniform(56, 84) * bsa, rng.uniform(50, 64)
        right, right_ef = rng.uniform(118, 180) * bsa, rng.uniform(24, 44)
    return {
        "lv_edv": float(left),
        "lv_ef": float(left_ef),
        "rv_edv": float(right),
        "rv_ef": float(right_ef),
    }


def _walls(label: str, rng: np.random.Generator) -> dict[str, Any]:
    wall, bulge = rng.uniform(6.0, 8.6), rng.uniform(0.0, 1.4)
    angle, width = rng.normal(0.1, 0.35), rng.uniform(0.8, 1.3)
    territory, scar, flat, rv_wall = "", 1.0, rng.uniform(0.0, 0.03), rng.uniform(1.8, 3.0)
    if label == "HCM":
        wall, bulge = rng.uniform(10.0, 13.5), rng.uniform(5.5, 10.0)
        angle, width = rng.normal(0.35, 0.5), rng.uniform(0.8, 1.5)
    elif label == "DCM":
        wall = rng.uniform(5.4, 7.8)
    elif label == "MINF":
        wall = rng.uniform(6.6, 9.2)
        territory = tuple(TERRITORIES)[int(rng.choice(3, p=(0.5, 0.3, 0.2)))]
        scar = rng.uniform(0.42, 0.68)
    elif label == "RV":
        flat, rv_wall = rng.uniform(0.05, 0.16), rng.uniform(3.0, 5.5)
    return {
        "wall": float(wall),
        "septal_bulge": float(bulge),
        "bulge_angle": float(angle),
        "bulge_width": float(width),
        "territory": territory,
        "scar_wall": float(scar),
        "flat": float(flat),
        "rv_wall": float(rv_wall),
    }
