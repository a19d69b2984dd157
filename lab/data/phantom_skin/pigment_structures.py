"""Structures made of brown and blue-grey pigment: networks, globules, dots, blotches, streaks, regression, veil."""

from __future__ import annotations

import numpy as np

from lab.data.phantom_skin.fields import Map, smoothstep
from lab.data.phantom_skin.frame import discs
from lab.data.phantom_skin.scene import Scene, on_lesion

VEIL, SCAR = (0.28, 0.34, 0.52), (0.76, 0.64, 0.66)


def region(scene: Scene, use: str, share: float, low: float = 0.25, rough: float = 1.0) -> Map:
    """A part of the lesion, 0 to 1: what lies on one side of it and where noise allows; `share` about its area."""
    rng = scene.rng(use)
    place = on_lesion(
        scene.lesion, np.array([scene.lesion.radius * rng.uniform(low, 0.8)]), rng.uniform(0, 6.28, 1)
    )[0]
    size = np.float32(scene.lesion.radius * np.sqrt(share) * 1.1)
    distance = np.hypot(scene.wx - np.float32(place[0]), scene.wy - np.float32(place[1]))
    sign = np.float32(rng.choice([-1.0, 1.0]))
    ragged = 0.26 * sign * scene.patch + np.float32(rough) * (0.08 * scene.band + 0.06 * scene.fine)
    return smoothstep((1.0 - distance / size + ragged) / 1.0 + 0.35)


def network(scene: Scene, strength: float) -> None:
    """A regular net of brown lines that thins out towards the edge."""
    rng = scene.rng("network")
    spacing = float(rng.uniform(0.26, 0.38))
    cells = scene.mesh(spacing, "network", 0.5)
    lines = smoothstep(0.62 - 1.1 * cells)
    fade = smoothstep((scene.edge + 0.25 * scene.wide) / np.float32(0.28 * scene.lesion.radius))
    where = scene.inside * (0.45 + 0.55 * fade) * smoothstep(0.75 + 0.5 * scene.patch)
    scene.mel *= 1 - np.float32(0.20 * strength) * where
    scene.mel += np.float32(0.40 * strength * (0.4 + 0.6 * min(scene.lesion.brown, 1.4))) * lines * where


def irregular_network(scene: Scene, strength: float) -> None:
    """A net with holes of unequal size and lines of unequal width, in parts of the lesion only, broken off sharply."""
    rng = scene.rng("irregular network")
    spacing = float(rng.uniform(0.42, 0.70))
    cells = scene.mesh(spacing, "irregular network", 0.9) + 0.15 * scene.patch
    lines = smoothstep(0.55 - 1.3 * cells)
    where = scene.inside * np.clip(region(scene, "net one", 0.8) + region(scene, "net two", 0.35), 0, 1)
    scene.mel *= 1 - np.float32(0.45 * strength) * where
    scene.mel += np.float32(0.95 * strength * (0.45 + 0.5 * min(scene.lesion.brown, 1.6))) * lines * where


def cobblestones(scene: Scene, strength: float) -> None:
    """Large angular globules that lie close together like paving."""
    rng = scene.rng("cobblestones")
    spacing = float(rng.uniform(0.36, 0.60))
    stones = smoothstep(0.28 + 1.25 * scene.mesh(spacing, "cobblestones", 0.8))
    scene.mel *= 1 + np.float32(strength) * scene.inside * (0.62 * stones - 0.34)


def dots(scene: Scene, strength: float) -> None:
    """Even round dots and globules, brown."""
    rng = scene.rng("dots")
    count = int(10 + 45 * strength * rng.uniform(0.5, 1.4))
    _globules(scene, "dots", count, (0.05, 0.15), 0.55 * strength, 0.85)


def irregular_dots(scene: Scene, strength: float) -> None:
    """Dots and globules of unequal size, dark, thick in one part and at the edge."""
    rng = scene.rng("irregular dots")
    count = int(8 + 40 * strength * rng.uniform(0.4, 1.4))
    _globules(scene, "irregular dots", count, (0.05, 0.26), 1.1 * strength, 1.0, True)


def _globules(
    scene: Scene,
    use: str,
    count: int,
    radii: tuple[float, float],
    strength: float,
    spread: float,
    aside: bool = False,
) -> None:
    rng = scene.rng(use + " places")
    places = scene.points(use, count, spread)
    if aside:
        pull = on_lesion(scene.lesion, np.array([0.5 * scene.lesion.radius]), rng.uniform(0, 6.28, 1))
        near = rng.random(count) < 0.6
        places[near] = pull + 0.5 * places[near]
    sizes = radii[0] + (radii[1] - radii[0]) * rng.beta(1.1, 2.6, count)
    axes = np.stack([sizes, sizes * rng.uniform(0.7, 1.0, count)], axis=1)
    warped = (scene.frame.x + 0.03 * scene.fine, scene.frame.y - 0.03 * scene.fine)
    found = discs(
        scene.frame, warped, places, axes, rng.uniform(0, 3.1, count), 0.6, rng.uniform(0.5, 1.0, count)
    )
    scene.mel += np.float32(strength) * found * smoothstep(scene.edge / 0.3 + 1)


def centre(scene: Scene, strength: float) -> None:
    """A middle that is darker, or paler, than the rest."""
    rng = scene.rng("centre")
    way = np.float32(strength * (0.75 if rng.random() < 0.72 else -0.45))
    middle = smoothstep(scene.depth * np.float32(rng.uniform(1.1, 2.2)) + 0.18 * scene.patch)
    scene.mel *= 1 + way * (middle - 0.45)


def second_lobe(scene: Scene, strength: float) -> None:
    """A part that is clearly darker than the rest."""
    scene.mel *= 1 + np.float32(0.9 * strength) * (region(scene, "lobe", 0.4, 0.3) - 0.25)


def blotches(scene: Scene, strength: float) -> None:
    """Areas without structure, dark brown to black, off the middle; others stay light."""
    rng = scene.rng("blotches")
    scene.mel *= 1 - np.float32(0.35 * strength) * region(scene, "pale part", 0.6)
    for number in range(int(rng.integers(1, 4))):
        dark = region(scene, f"blotch {number}", float(rng.uniform(0.08, 0.45)), 0.15)
        scene.mel += (
            np.float32(strength * rng.uniform(0.5, 1.7)) * dark * scene.inside * (1 + 0.12 * scene.band)
        )


def streaks(scene: Scene, strength: float) -> None:
    """Dark fingers that run out over the edge of one sector."""
    rng = scene.rng("streaks")
    count = int(2 * np.pi * scene.lesion.radius / rng.uniform(0.32, 0.55))
    middle, half = np.float32(rng.uniform(-np.pi, np.pi)), np.float32(rng.uniform(0.7, 2.2))
    aside = np.abs(
        np.mod(scene.angle - middle + np.float32(np.pi), np.float32(2 * np.pi)) - np.float32(np.pi)
    )
    sector = smoothstep((half - aside) / 0.5 + 0.5)
    waves = np.cos(count * scene.angle + 0.8 * scene.patch + 0.9 * scene.coarse) + 0.45 * scene.band
    reach = np.float32(rng.uniform(0.2, 0.5) * strength) * (1 + 0.6 * scene.coarse + 0.4 * scene.patch)
    outer = scene.edge + np.maximum(reach, 0) * sector * smoothstep(0.5 + 0.6 * waves)
    found = sector * smoothstep(outer / 0.16 + 0.5) * smoothstep(0.45 + 0.75 * waves)
    found *= smoothstep(1.2 - scene.edge / np.float32(min(0.3 * scene.lesion.radius, 0.6)))
    ground = np.float32(max(scene.lesion.brown, 0.7) * (0.75 + 0.6 * strength))
    scene.mel = np.maximum(scene.mel, ground * found)
    scene.edge = np.where(sector > 0.5, np.maximum(scene.edge, np.minimum(outer, 0.05)), scene.edge)


def veil(scene: Scene, strength: float) -> None:
    """A blue-white veil: dense deep pigment under a milky surface."""
    where = region(scene, "veil", float(scene.rng("veil size").uniform(0.15, 0.5)), 0.0, 0.3)
    where = where * smoothstep(0.35 + scene.edge / np.float32(0.5 * scene.lesion.radius))
    scene.deep += np.float32(0.7 * strength) * where * (1 + 0.25 * scene.patch)
    milk = smoothstep(0.6 + 0.35 * scene.patch + 0.10 * scene.band)
    scene.cover(np.float32(0.15 * strength) * where * milk, VEIL)


def regression(scene: Scene, strength: float) -> None:
    """A scar-like pale part where pigment has gone."""
    where = (
        region(scene, "regression", float(scene.rng("regression size").uniform(0.12, 0.4)), 0.1)
        * scene.inside
    )
    scene.mel *= 1 - np.float32(0.85 * strength) * where
    scene.blood += np.float32(0.16 * strength) * where * smoothstep(0.5 + scene.coarse)
    scene.cover(
        np.float32(0.20 * strength) * where * smoothstep(0.6 + 0.4 * scene.patch + 0.2 * scene.band), SCAR
    )


def peppering(scene: Scene, strength: float) -> None:
    """Fine blue-grey dots, crowded in a part of the lesion."""
    where = region(scene, "peppering", 0.5, 0.1) * scene.inside
    grains = smoothstep((0.55 * scene.fine + 0.75 * scene.band - 0.75) / 0.7)
    scene.deep += np.float32(0.55 * strength) * grains * where + np.float32(0.10 * strength) * where


def grey(scene: Scene, strength: float) -> None:
    """A grey-blue tinge over much of the lesion."""
    where = scene.inside * smoothstep(0.45 + 0.5 * scene.coarse)
    scene.deep += np.float32(0.65 * strength) * where
    scene.mel *= 1 - np.float32(0.25 * strength) * where
