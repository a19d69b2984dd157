"""Structures of keratin and surface: milia, openings, ridges, fingerprints, moth-eaten edges, scale, crust, ulcers."""

from __future__ import annotations

import numpy as np

from lab.data.phantom_skin.fields import smoothstep
from lab.data.phantom_skin.frame import discs
from lab.data.phantom_skin.pigment_structures import region
from lab.data.phantom_skin.scene import Scene

PEARL, CREAM, SCALE, SHINY = (0.78, 0.68, 0.58), (0.66, 0.50, 0.34), (0.86, 0.82, 0.80), (0.86, 0.80, 0.84)
CRUST, RAW = (0.42, 0.22, 0.06), (0.20, 0.012, 0.016)


def milia(scene: Scene, strength: float) -> None:
    """Small round whitish cysts."""
    rng = scene.rng("milia")
    count = int(6 + 26 * strength * rng.uniform(0.3, 1.3))
    places = scene.points("milia", count, 0.9)
    sizes = rng.uniform(0.06, 0.17, count)
    found = discs(
        scene.frame, (scene.frame.x, scene.frame.y), places, np.stack([sizes, sizes], 1), np.zeros(count), 0.9,
        rng.uniform(0.4, 1.0, count),
    ) * scene.inside  # fmt: skip
    scene.cover(np.float32(0.62 * strength) * found, PEARL)


def openings(scene: Scene, strength: float) -> None:
    """Comedo-like openings: dark brown, round to oval plugs with sharp edges."""
    rng = scene.rng("openings")
    count = int(4 + 18 * strength * rng.uniform(0.3, 1.3))
    places = scene.points("openings", count, 0.9)
    sizes = 0.07 + 0.16 * rng.beta(1.2, 2.5, count)
    axes = np.stack([sizes, sizes * rng.uniform(0.55, 1.0, count)], 1)
    warped = (scene.frame.x + 0.03 * scene.fine, scene.frame.y + 0.03 * scene.band)
    found = discs(
        scene.frame, warped, places, axes, rng.uniform(0, 3.1, count), 0.45, rng.uniform(0.6, 1, count)
    )
    scene.mel += np.float32(1.35 * strength) * found * scene.inside


def ridges(scene: Scene, strength: float) -> None:
    """Ridges and furrows like those of a brain."""
    width = np.float32(0.24)
    furrow = np.exp(-(((0.85 * scene.band + 0.35 * scene.patch) / width) ** 2)) * scene.inside
    scene.mel *= 1 - np.float32(0.22 * strength) * scene.inside
    scene.mel += np.float32(0.62 * strength) * furrow


def fingerprint(scene: Scene, strength: float) -> None:
    """Fine parallel brown lines, as in a fingerprint."""
    rng = scene.rng("fingerprint")
    turn, gap = rng.uniform(0, np.pi), rng.uniform(0.20, 0.30)
    along = np.float32(np.cos(turn)) * scene.wx + np.float32(np.sin(turn)) * scene.wy
    wave = np.sin(np.float32(2 * np.pi / gap) * (along + 0.28 * scene.coarse + 0.05 * scene.band))
    where = scene.inside * smoothstep(0.6 + 0.6 * scene.patch)
    scene.mel *= 1 + np.float32(0.34 * strength) * where * wave


def moth_eaten(scene: Scene, strength: float) -> None:
    """Bites out of a sharp edge."""
    bites = smoothstep((scene.patch + 0.5 * scene.band - 0.55) / 0.35)
    rim = smoothstep(1.15 - scene.edge / np.float32(0.42 * scene.lesion.radius))
    gone = np.float32(strength) * bites * rim
    scene.mel *= 1 - 0.92 * gone
    scene.inside = scene.inside * (1 - 0.92 * gone)
    scene.edge = np.where(gone > 0.5, np.minimum(scene.edge, np.float32(-0.05)), scene.edge)


def follicles(scene: Scene, strength: float) -> None:
    """Pale openings of follicles that leave a false network between them."""
    rng = scene.rng("follicles")
    spacing = float(rng.uniform(0.5, 0.85))
    cells = scene.mesh(spacing, "follicles", 0.6) + 0.15 * scene.patch
    holes = smoothstep((cells - 0.45) / 0.4) * scene.inside
    scene.mel *= 1 - np.float32(0.75 * strength) * holes
    scene.cover(np.float32(0.16 * strength) * holes, PEARL)


def strawberry(scene: Scene, strength: float) -> None:
    """A red false network around whitish follicles."""
    rng = scene.rng("strawberry")
    spacing = float(rng.uniform(0.42, 0.80))
    cells = scene.mesh(spacing, "strawberry", 0.7) + 0.2 * scene.patch
    where = smoothstep((scene.edge + scene.wide) / (1.6 * scene.wide) + 0.5)
    scene.blood += (
        np.float32(0.30 * strength) * where * smoothstep(0.5 - cells) * smoothstep(0.7 + 0.6 * scene.patch)
    )
    scene.cover(
        np.float32(0.22 * strength)
        * where
        * smoothstep((cells - 0.35) / 0.6)
        * smoothstep(0.6 - 0.5 * scene.patch),
        PEARL,
    )


def scale(scene: Scene, strength: float) -> None:
    """White to yellowish flakes on the surface."""
    where = region(scene, "scale", 0.5, 0.0) * smoothstep(scene.edge / 0.6 + 0.8)
    flakes = smoothstep((0.45 * scene.band + 0.75 * scene.fine + 0.9 * scene.patch - 0.9) / 0.4)
    scene.cover(np.float32(0.16 * strength) * where * smoothstep(0.5 + 0.5 * scene.patch), SCALE)
    scene.cover(np.float32(0.66 * strength) * flakes * where, SCALE)


def keratin(scene: Scene, strength: float) -> None:
    """A mass of yellow-white keratin in the middle, flaking."""
    where = region(scene, "keratin", float(scene.rng("keratin size").uniform(0.1, 0.35)), 0.0) * scene.inside
    lumps = smoothstep(0.7 + 0.35 * scene.patch + 0.2 * scene.band)
    scene.cover(np.float32(0.55 * strength) * where * lumps, CREAM)
    flakes = smoothstep((0.6 * scene.fine + 0.5 * scene.band + 0.5 * scene.patch - 0.4) / 0.8) * where
    scene.cover(np.float32(0.5 * strength) * flakes, SCALE)


def crust(scene: Scene, strength: float) -> None:
    """Orange-brown crust."""
    where = region(scene, "crust", float(scene.rng("crust size").uniform(0.03, 0.14)), 0.0)
    lumps = where * smoothstep(0.55 + 0.6 * scene.band)
    scene.cover(np.float32(0.85 * strength) * lumps, CRUST)


def ulcer(scene: Scene, strength: float) -> None:
    """A raw dark red defect with a brown-red rim."""
    where = region(scene, "ulcer", float(scene.rng("ulcer size").uniform(0.02, 0.10)), 0.0)
    sore = smoothstep((where - 0.4 + 0.10 * scene.band) / 0.35)
    scene.blood += np.float32(0.55 * strength) * where
    wet = 1 - np.float32(0.12) * np.abs(scene.fine)
    scene.cover(np.asarray(np.float32(0.85 * strength) * sore * wet, np.float32), RAW)


def shiny(scene: Scene, strength: float) -> None:
    """Shiny white blotches and short lines."""
    rng = scene.rng("shiny")
    turn = rng.uniform(0, np.pi)
    along = np.float32(np.cos(turn)) * scene.frame.x + np.float32(np.sin(turn)) * scene.frame.y
    lines = smoothstep((np.sin(np.float32(7.5) * along + 1.6 * scene.band) + 0.8 * scene.fine - 1.2) / 0.4)
    where = region(scene, "shiny", 0.4, 0.0) * smoothstep(scene.edge / 0.5 + 0.7)
    scene.cover(np.float32(0.20 * strength) * where * smoothstep(0.5 + 0.5 * scene.patch), SHINY)
    scene.cover(np.float32(0.50 * strength) * where * lines, SHINY)
