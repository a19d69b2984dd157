"""Hair over the skin: thick and dark or light, and the fine down that nearly all skin has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantom_skin.fields import Map, blurred
from lab.data.phantom_skin.frame import strokes
from lab.data.phantom_skin.plan import Patient, Shot

DARK, LIGHT = (66.0, 42.0, 36.0), (228.0, 206.0, 200.0)
SHADOW = (70.0, 30.0, 34.0)
STEPS = 32


@dataclass(frozen=True)
class Growth:
    """One sort of hair in a picture; lengths in pixels.

    Attributes:
        count: hairs. thick: width at the root. long: median length. opacity: at most.
        curl: how far it bends. colour: sRGB.
    """

    count: int
    thick: float
    long: float
    opacity: float
    curl: float
    colour: tuple[float, float, float]
    dark: bool


def growths(patient: Patient, shot: Shot, size: int, site: str, rng: np.random.Generator) -> list[Growth]:
    """What grows where the picture was taken: at most one sort of terminal hair, and down."""
    found = []
    mm = size / shot.field
    level = patient.hairiness * (0.1 if site == "foot" else 1.0) * rng.uniform(0.5, 1.2)
    dark = bool(rng.random() < patient.hair_dark)
    tint = rng.normal(0, 5, 3) + rng.uniform(-10, 34)
    colour = tuple(
        float(v) for v in np.clip(np.array(DARK if dark else LIGHT) + tint * (1 if dark else 0.3), 5, 250)
    )
    if level > 0.12:
        many = level > 0.42
        count = int(rng.integers(14, 48)) if many else int(rng.integers(2, 12))
        stubble = rng.random() < 0.2
        long = size * (rng.uniform(0.05, 0.12) if stubble else rng.uniform(0.3, 0.7))
        thick = mm * (0.034 if dark else 0.030) * rng.lognormal(0, 0.3)
        opacity = rng.uniform(0.5, 0.92) if dark else rng.uniform(0.35, 0.75)
        found.append(Growth(count, thick, long, opacity, rng.uniform(0.3, 0.9), colour[:3], dark))  # type: ignore[arg-type]
    if rng.random() < 0.75:
        pale = bool(rng.random() < 0.62)
        tone = LIGHT if pale else (120.0, 72.0, 66.0)
        count = int(rng.lognormal(2.6, 0.7))
        found.append(
            Growth(
                min(count, 60), mm * rng.uniform(0.016, 0.032), size * rng.uniform(0.10, 0.32),
                rng.uniform(0.3, 0.75), rng.uniform(0.5, 1.4), tone, not pale,
            )
        )  # fmt: skip
    return found


def grow(sort: Growth, size: int, flow: float, rng: np.random.Generator) -> tuple[Map, Map]:
    """Cover of the hairs and of their shadow, each (size, size), 0 to 1."""
    paths, widths = [], []
    for _ in range(sort.count):
        path, width = _one(sort, size, flow, rng)
        paths.append(path)
        widths.append(width)
    scale = size / 192
    cover = blurred(strokes(size, paths, widths), 0.4 * scale)
    shift = np.array([[1.3, 1.6]]) * scale
    shadow = (
        blurred(strokes(size, [path + shift for path in paths], widths), 1.3 * scale)
        if sort.dark
        else cover * 0
    )
    return cover, shadow


def _one(sort: Growth, size: int, flow: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A curve (32, 2) in pixels and its width (32,), thick at the root and thin at the tip."""
    turn = flow + rng.normal(0, 0.5) + (np.pi if rng.random() < 0.15 else 0)
    long = sort.long * rng.lognormal(0, 0.4)
    root = rng.uniform(-0.15, 1.15, 2) * size
    steps = np.linspace(0, 1, STEPS)
    bend = sort.curl * (rng.normal(0, 0.9) * steps + rng.normal(0, 0.5) * steps**3)
    bend += 0.25 * sort.curl * rng.normal(0, 1) * np.sin(steps * rng.uniform(3, 9))
    heading = turn + bend
    moves = long / STEPS * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return root + np.cumsum(moves, axis=0), sort.thick * rng.uniform(0.5, 1.3) * np.linspace(
        1, 0.15, STEPS
    ) ** 0.8
