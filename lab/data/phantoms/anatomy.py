"""Parametric anatomy: every number that makes one patient, and every number that makes one film of them.

Lengths are centimetres. ``x`` grows to the viewer's right (the patient's left), ``y`` grows downwards from the lung
apex, ``z`` grows towards the sternum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STREAMS = ("anatomy", "vessels", "finding", "positioning", "texture", "noise", "caption", "tissue", "bones")


def stream(seed: int, name: str, patient: int, film: int | None = None) -> np.random.Generator:
    """A random stream that depends on its address alone, so the order of work never changes a film."""
    key = (STREAMS.index(name), patient) if film is None else (STREAMS.index(name), patient, film)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))


@dataclass(frozen=True)
class Anatomy:
    """One patient. Lengths in centimetres, ``age`` in years, ``sex`` "F" or "M"."""

    sex: str
    age: int
    half_width: float  # inner half-width of the rib cage at its widest
    lung_height: float  # apex to the costophrenic angle
    lung_depth: float  # longest front-to-back chord of a lung
    body_depth: float
    wall: float  # soft tissue outside the ribs
    dome: float  # y of the right dome at full inspiration
    dome_step: float  # how much lower the left dome stands
    dome_drop: float
    heart_ratio: float  # heart width over inner chest width when normal
    heart_tilt: float  # radians
    heart_y: float
    knob: float  # radius of the aortic knob
    uncoil: float  # how far the aorta swings out with age
    mediastinum: float
    rib_spacing: float
    rib_drop: float
    rib_height: float
    cortex: float
    bone_density: float
    shoulder: float
    clavicle_slope: float
    breast: float
    breast_y: float
    scoliosis: float
    gas: tuple[float, float, float]
    lung_density: float
    vascularity: float
    muscle: float  # factor on the muscles of the shoulder girdle


@dataclass(frozen=True)
class Positioning:
    """One film. ``field`` is the width of the square field in centimetres; angles in radians."""

    view: str  # "PA" | "AP" | "LATERAL"
    field: float
    dx: float
    dy: float
    tilt: float
    turn: float  # rotation about the long axis
    aeration: float  # factor on the density of the lungs
    inspiration: float  # centimetres added to the domes' y
    arm: float
    scapula: float
    exposure: float
    grid: float
    latitude: float
    detail: float
    gamma: float
    white: float
    lung_grey: float
    black: float  # grey level of what got the whole beam
    blur: float
    collimation: tuple[float, float, float, float, float]
    marker: tuple[int, float, float, float]
    leads: int  # wires lying on the patient
    label: int  # burnt-in word, -1 for none


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw one adult."""
    male = bool(rng.random() < 0.54)
    age = int(np.clip(rng.normal(54, 17), 19, 92))
    size = rng.normal(1.03 if male else 0.94, 0.04)
    habitus = float(np.clip(rng.gamma(4.0, 0.25), 0.3, 2.4))
    old = max(0.0, (age - 45) / 40)
    height = rng.normal(24.4, 1.6) * size
    dome = height * rng.normal(0.82, 0.025)
    return Anatomy(
        sex="M" if male else "F",
        age=age,
        half_width=rng.normal(13.2, 0.85) * size,
        lung_height=height,
        lung_depth=rng.normal(14.5, 1.1) * size,
        body_depth=rng.normal(20.0, 1.0) * size + 2.6 * habitus,
        wall=2.2 + 1.5 * habitus,
        dome=dome,
        dome_step=rng.normal(1.2, 0.5),
        dome_drop=rng.normal(4.3, 0.6),
        heart_ratio=float(np.clip(rng.normal(0.445 + 0.03 * old, 0.025), 0.39, 0.5)),
        heart_tilt=np.deg2rad(rng.normal(38 - 6 * habitus, 5)),
        heart_y=dome - height * rng.normal(0.10, 0.012),
        knob=rng.normal(1.55, 0.15) + 0.45 * old,
        uncoil=float(np.clip(rng.normal(0.6, 0.4), 0, 2)) * old,
        mediastinum=rng.normal(1.55, 0.25) + 0.3 * max(0.0, habitus - 1),
        rib_spacing=height * rng.normal(0.0955, 0.003),
        rib_drop=rng.normal(11.2, 1.3) * size,
        rib_height=rng.normal(0.66, 0.06) * size,
        cortex=float(np.clip(rng.normal(0.055, 0.015), 0.025, 0.11)),
        bone_density=float(np.clip(rng.normal(1.2, 0.13) - 0.22 * old, 0.55, 1.5)),
        shoulder=rng.normal(19.6, 0.9) * size,
        clavicle_slope=rng.normal(0.27, 0.07),
        breast=0.0 if male else float(np.clip(rng.normal(2.7, 1.1), 0.6, 6.0)),
        breast_y=height * rng.normal(0.69, 0.04) + 1.2 * old,
        scoliosis=rng.normal(0, 0.35),
        gas=(rng.uniform(0.0, 1.0), rng.uniform(1.2, 3.6), rng.uniform(4.5, 8.0)),
        lung_density=float(np.clip(rng.normal(0.27, 0.03), 0.2, 0.36)),
        vascularity=float(np.clip(rng.normal(1.4, 0.25), 0.8, 2.1)),
        muscle=float(np.clip(rng.normal(1.0, 0.3) + (0.15 if male else -0.15), 0.3, 1.9)),
    )


def draw_positioning(rng: np.random.Generator) -> Positioning:
    """Draw how one film was taken and processed."""
    kind = rng.random()
    portable, lateral = bool(kind < 0.36), bool(kind > 0.94)
    # A beam mostly meets two edges of the film or fewer, seldom all four.
    cone = np.clip(2 * rng.random(4) - 1, 0, 1) * rng.choice(
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.03, 0.07]
    )
    return Positioning(
        view="LATERAL" if lateral else "AP" if portable else "PA",
        field=float(np.clip(rng.normal(34.2, 2.4), 29.0, 41)),
        dx=rng.normal(0, 1.4),
        dy=rng.normal(0.8, 1.4),
        tilt=np.deg2rad(rng.normal(0, 4.0 if portable else 2.0)),
        turn=np.deg2rad(rng.normal(0, 4.0 if portable else 2.0)),
        aeration=float(np.exp(rng.normal(0.15 if portable else 0.0, 0.2))),
        inspiration=rng.normal(-0.9 if portable else 0.9, 1.4),
        arm=rng.normal(-0.8, 1.2),
        scapula=rng.normal(-2.2 if portable else 0.0, 0.8),
        exposure=float(np.exp(np.clip(rng.normal(-0.4 if portable else 0.1, 0.6), -1.1, 1.5))),
        grid=float(np.clip(rng.normal(0.43 if portable else 0.34, 0.1), 0.15, 0.8)),
        latitude=float(np.clip(rng.normal(0.82, 0.13), 0.5, 1.1)),
        detail=float(np.clip(rng.normal(0.7, 0.4), 0.0, 1.9)),
        gamma=float(np.exp(rng.normal(0.0, 0.16))),
        white=float(np.clip(rng.normal(0.90, 0.11), 0.5, 1.0)),
        lung_grey=float(np.clip(rng.normal(0.32 if portable else 0.25, 0.11), 0.05, 0.6)),
        black=float(max(0.0, rng.normal(0.03, 0.09))),
        blur=float(np.clip(rng.normal(0.42, 0.08), 0.3, 0.8)),
        collimation=(
            float(cone[0]),
            float(cone[1]),
            float(cone[2]),
            float(cone[3]),
            float(np.deg2rad(rng.normal(0, 0.8))),
        ),
        marker=(
            int(rng.choice((0, 0, 0, 1, 1, 2))),
            rng.uniform(0.03, 0.10),
            rng.uniform(0.03, 0.16),
            rng.uniform(0.6, 1.0),
        ),
        leads=int(rng.integers(1, 4)) if portable and rng.random() < 0.6 else 0,
        label=int(rng.integers(0, 6)) if rng.random() < (0.5 if portable else 0.15) else -1,
    )
