"""The skin around a lesion: tone, mottling, sun damage, small vessels, pores and lines; the same in every picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantom_skin.fields import Map, at, mesh, smoothstep, stream, tile
from lab.data.phantom_skin.frame import Frame
from lab.data.phantom_skin.plan import TONES, Patient

TONE_MELANIN = (-0.03, 0.0, 0.10, 0.32, 0.75, 1.4)  # density over fair skin


@dataclass(frozen=True, eq=False)
class Skin:
    """Density maps of the skin, each (size, size): melanin, blood, grey from relief, and blue light lost."""

    mel: Map
    blood: Map
    relief: Map
    yellow: Map


def make_skin(patient: Patient, frame: Frame, site: str, address: tuple[int, int, int]) -> Skin:
    """The skin a lesion lies in; `address` is seed, patient and lesion."""
    rng = stream(address[0], "skin", *address[1:])
    x, y = frame.x, frame.y
    cloud = tile(rng, 1.5, 2, 60)
    one, two = at(cloud, x, y), at(cloud, 13 - y, x + 6)
    spots = at(tile(rng, 1.3, float(rng.uniform(3, 9)), 60), x, y)
    grains = tile(rng, 0.5, 18)
    fine = at(grains, x, y)
    turn = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    threads = at(grains, 0.3 * (c * x + s * y) + 0.3 * one, 1.15 * (c * y - s * x) + 0.3 * two)
    damage = np.float32(patient.damage * rng.uniform(0.5, 1.3))
    mel = np.float32(TONE_MELANIN[TONES.index(patient.tone)]) * (1 + 0.10 * one)
    mel = (
        mel
        + (0.012 + 0.12 * damage) * one
        + (0.008 + 0.030 * damage) * fine
        + (0.010 + 0.13 * damage) * spots
    )
    freckles = smoothstep((0.8 * spots + 0.5 * one + 0.35 * fine - np.float32(rng.uniform(0.5, 1.8))) / 1.6)
    mel = mel + np.float32(rng.uniform(0.0, 1.1)) * damage * freckles * freckles * (0.8 + 0.3 * fine)
    blood = (
        np.float32(patient.flush)
        + (0.018 + 0.10 * damage) * two
        + (0.012 + 0.03 * damage) * (fine - 0.5 * spots)
    )
    blood = blood + _net(x, y, two, damage, rng)
    yellow = (0.025 + 0.04 * damage) * at(cloud, y + 9, 4 - x) - 0.015 * two
    relief = _relief(x, y, one, threads, site, rng)
    return Skin(*(np.asarray(part, np.float32) for part in (mel, blood, relief, yellow)))


def _net(x: Map, y: Map, cloud: Map, damage: np.float32, rng: np.random.Generator) -> Map:
    """A fine red net of widened vessels, in patches, as on sun-damaged and on thin skin."""
    high = float(rng.uniform(22, 48))
    lines = at(tile(rng, 1.0, 8, high), x, y)
    ridge = np.exp(-((lines / np.float32(0.22)) ** 2))
    where = smoothstep(0.45 + 0.5 * cloud)
    strength = np.float32(max(rng.normal(0.02, 0.05), 0) + max(rng.normal(-0.1, 0.28), 0) * damage)
    return np.minimum(strength, 0.45) * ridge * where


def _relief(x: Map, y: Map, cloud: Map, threads: Map, site: str, rng: np.random.Generator) -> Map:
    """Skin lines and openings of hair follicles, as density."""
    turn = float(rng.uniform(0, np.pi))
    spacing = float(rng.uniform(0.36, 0.62))
    bends = (cloud + 0.5 * threads, -cloud, 0.5 * threads)
    cells = mesh(x, y, spacing, turn, bends) + 0.2 * threads
    lines = np.float32(rng.uniform(0.0, 0.022)) * smoothstep(0.35 - cells)
    face = site in ("face", "scalp", "neck")
    gap = float(rng.uniform(0.75, 1.1) if face else rng.uniform(1.2, 1.9))
    holes = mesh(x, y, gap, turn + 0.4, (2 * cloud, -1.5 * cloud + threads, threads)) + 0.1 * threads
    pores = np.float32(rng.uniform(-0.08, 0.12) * (1.3 if face else 0.6)) * smoothstep((holes - 0.8) / 0.25)
    return lines + pores + np.float32(rng.uniform(0.004, 0.018)) * threads
