"""Findings as a lateral film shows them; those that it does not show well are left out of such films."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy
from lab.data.phantoms.draws import FindingSpec, Shape
from lab.data.phantoms.findings import Contents
from lab.data.phantoms.geometry import Map, Plane, fractal, smoothstep
from lab.data.phantoms.lateral import lateral_diaphragm
from lab.data.phantoms.thorax import Chest

SHOWN = ("effusion", "cardiomegaly", "consolidation", "nodule")
PLACE = {  # y as a share of the lung height, z in cm
    "RUL": (0.26, 0.5),
    "RML": (0.62, 4.6),
    "RLL": (0.66, -5.0),
    "LUL": (0.32, 1.5),
    "LLL": (0.66, -5.0),
}


def fill_lateral(
    chest: Chest,
    vessels: Map,
    findings: tuple[FindingSpec, ...],
    shapes: list[Shape],
    anatomy: Anatomy,
    plane: Plane,
    texture: np.random.Generator,
) -> Contents:
    """The lungs' contents after every finding that a lateral film shows has had its effect."""
    half = (np.float32(0.34) * vessels * (chest.lungs[0] + chest.lungs[1] > 0.4)).astype(np.float32)
    contents = Contents(
        list(chest.lungs),
        np.zeros_like(vessels),
        np.zeros_like(vessels),
        [half, half],
        np.zeros(half.shape, bool),
    )
    for finding, shape in zip(findings, shapes, strict=True):
        which = 0 if finding.side == "right" else 1
        if finding.label == "cardiomegaly":
            contents.lesion |= chest.heart > 0.5
        elif finding.label == "effusion":
            pool(contents, which, shape, anatomy, plane, chest)
        elif finding.label in ("consolidation", "nodule"):
            opacity(contents, which, finding, shape, anatomy, plane, chest, texture)
    return contents


def pool(contents: Contents, which: int, shape: Shape, anatomy: Anatomy, plane: Plane, chest: Chest) -> None:
    """Fluid in the posterior costophrenic angle with a surface that rises towards the back wall."""
    lung = contents.air[which]
    z = -plane.x
    dome = chest.diaphragm[which]
    lowest = float(lateral_diaphragm(anatomy, np.array([-9.0], np.float32), dome)[0])
    level = lowest - 2.0 - shape.extent * np.float32(0.85 * lowest)
    surface = level - np.float32(2.2 + 0.5 * shape.jitter[0]) * np.exp(-np.clip(z + 9.5, 0, 30) / 2.5)
    surface = surface + np.float32(4.0 * (1 - shape.extent)) * smoothstep((z + 4.0) / 6.0)
    depth = np.clip(plane.y - surface, 0, None)
    filled = (1 - np.exp(-((depth / np.float32(1.3)) ** np.float32(1.6)))).astype(np.float32)
    contents.air[which] = lung * (1 - filled)
    contents.fluid += np.float32(0.05) * lung * filled
    contents.lesion |= (filled > 0.35) & (chest.lungs[which] > 0.8)


def opacity(
    contents: Contents,
    which: int,
    finding: FindingSpec,
    shape: Shape,
    anatomy: Anatomy,
    plane: Plane,
    chest: Chest,
    texture: np.random.Generator,
) -> None:
    """A filled part of a lobe, ragged, or a round nodule, at the lobe's place on a lateral film."""
    lung = contents.air[which]
    share, depth = PLACE.get(finding.lobe, (0.5, -3.0))
    y = share * anatomy.lung_height + 1.2 * shape.jitter[0]
    z = depth + 1.2 * shape.jitter[1]
    round_one = finding.label == "nodule"
    ragged = np.zeros_like(lung) if round_one else fractal(texture, plane.size, 1.9, 2.5)
    reach = np.hypot(-plane.x - np.float32(z), plane.y - np.float32(y)) / np.float32(shape.extent)
    filled = smoothstep((1.2 + 0.2 * ragged - reach) / (0.25 if round_one else 0.9))
    taken = np.minimum(lung, 2 * np.float32(shape.extent)) * filled * np.float32(0.9 if round_one else 0.7)
    contents.air[which] = lung - taken
    contents.lesion |= (filled > 0.3) & (chest.lungs[0] + chest.lungs[1] > 1.0)
