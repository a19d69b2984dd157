"""Red structures, and the blue-grey nests of basal cell carcinoma that vessels run over."""

from __future__ import annotations

import numpy as np

from lab.data.phantom_skin.fields import blurred, smoothstep
from lab.data.phantom_skin.frame import discs, strokes
from lab.data.phantom_skin.scene import Scene

Path = tuple[np.ndarray, np.ndarray]


def redness(scene: Scene, strength: float) -> None:
    """Redness over the lesion and somewhat beyond."""
    halo = smoothstep((scene.edge + 0.9 * scene.wide) / (2.4 * scene.wide) + 0.5)
    scene.blood += (
        np.float32(0.26 * strength)
        * halo
        * np.maximum(1 + 0.35 * scene.coarse + 0.30 * scene.patch + 0.22 * scene.band + 0.25 * scene.fine, 0)
    )


def dotted_vessels(scene: Scene, strength: float) -> None:
    """Fine red dots, in clusters."""
    rng = scene.rng("dotted vessels")
    count = int(25 + 90 * strength * rng.uniform(0.5, 1.2))
    places = scene.points("dotted vessels", count, 0.95)
    sizes = rng.uniform(0.045, 0.10, count)
    axes = np.stack([sizes, sizes * rng.uniform(0.7, 1.0, count)], 1)
    found = discs(
        scene.frame,
        (scene.frame.x, scene.frame.y),
        places,
        axes,
        np.zeros(count),
        0.8,
        rng.uniform(0.4, 1.0, count),
    )
    where = smoothstep(scene.edge / 0.4 + 0.7) * smoothstep(0.8 + 0.6 * scene.patch)
    scene.blood += np.float32(0.85 * strength) * found * where


def arborising(scene: Scene, strength: float) -> None:
    """Sharp bright red vessels that branch like trees over the lesion."""
    rng = scene.rng("arborising")
    lesion = scene.lesion
    grown: list[Path] = []
    for _ in range(int(1 + 4 * strength * rng.uniform(0.3, 1.2))):
        angle = rng.uniform(0, 2 * np.pi)
        start = lesion.radius * rng.uniform(0.5, 1.15) * np.array([np.cos(angle), np.sin(angle)])
        heading = angle + np.pi + rng.normal(0, 0.6)
        _branch(rng, start, heading, rng.uniform(0.05, 0.12), lesion.radius * rng.uniform(0.6, 1.3), 3, grown)
    pixel = scene.frame.pixel
    paths = [scene.frame.pixels(path) for path, _ in grown]
    found = strokes(scene.frame.size, paths, [width / pixel for _, width in grown])
    found = blurred(found, 0.45 * scene.frame.size / 192)
    scene.blood += np.float32(0.95 * strength) * found * smoothstep(0.95 + 0.45 * scene.patch)


def _branch(
    rng: np.random.Generator,
    start: np.ndarray,
    heading: float,
    width: float,
    length: float,
    order: int,
    grown: list[Path],
) -> None:
    """Grow one vessel and its branches; `grown` takes paths (n, 2) mm and widths (n,) mm."""
    steps = max(int(length / 0.12), 4)
    turns = (
        heading
        + np.cumsum(rng.normal(0, 0.20, steps))
        + 0.35 * np.sin(np.arange(steps) * rng.uniform(0.3, 0.8))
    )
    moves = 0.12 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    path = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    grown.append((path, width * np.linspace(1.0, 0.45, steps + 1)))
    if order == 0 or width < 0.03:
        return
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(steps // 4, steps))
        side = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.1)
        _branch(
            rng,
            path[at],
            float(turns[at] + side),
            width * 0.6,
            length * rng.uniform(0.35, 0.7),
            order - 1,
            grown,
        )


def nests(scene: Scene, strength: float) -> None:
    """Blue-grey ovoid nests and smaller globules, well bounded, of unequal size."""
    rng = scene.rng("nests")
    large, small = int(rng.integers(1, 6)), int(rng.integers(2, 14))
    count = large + small
    places = scene.points("nests", count, 0.85)
    sizes = np.concatenate([rng.uniform(0.28, 0.62, large), rng.uniform(0.08, 0.22, small)])
    sizes *= np.float64(np.clip(scene.lesion.radius / 2.2, 0.5, 1.5))
    axes = np.stack([sizes, sizes * rng.uniform(0.45, 0.9, count)], 1)
    warped = (
        scene.frame.x + 0.10 * scene.band + 0.12 * scene.patch,
        scene.frame.y - 0.10 * scene.band + 0.12 * scene.coarse,
    )
    found = discs(
        scene.frame, warped, places, axes, rng.uniform(0, 3.1, count), 1.0, rng.uniform(0.35, 1.0, count)
    )
    brown = np.float32(rng.uniform(0.2, 1.0))
    body = found * np.maximum(1 + 0.20 * scene.fine + 0.30 * scene.band + 0.25 * scene.patch, 0)
    scene.deep += np.float32(1.0 * strength) * body
    scene.mel += brown * np.float32(0.9 * strength) * body
    _belongs(scene, found)


def leaves(scene: Scene, strength: float) -> None:
    """Leaf-like areas: brown to grey-blue lobes that spring from a common base at the edge."""
    rng = scene.rng("leaves")
    found = np.zeros_like(scene.mel)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * np.pi)
        base = scene.lesion.radius * rng.uniform(0.45, 0.95) * np.array([np.cos(angle), np.sin(angle)])
        count = int(rng.integers(3, 7))
        out = angle + rng.normal(0, 0.3) + np.linspace(-1.2, 1.2, count) + rng.normal(0, 0.12, count)
        long = rng.uniform(0.18, 0.42, count)
        places = base + 0.85 * long[:, None] * np.stack([np.cos(out), np.sin(out)], axis=1)
        axes = np.stack([long, long * rng.uniform(0.25, 0.42, count)], 1)
        warped = (scene.frame.x + 0.06 * scene.band, scene.frame.y + 0.06 * scene.patch)
        found = np.maximum(
            found, discs(scene.frame, warped, places, axes, out, 0.95, rng.uniform(0.5, 1, count))
        )
    body = found * np.maximum(1 + 0.25 * scene.band + 0.2 * scene.fine, 0)
    scene.mel += np.float32(0.95 * strength) * body
    scene.deep += np.float32(0.30 * strength) * body
    _belongs(scene, found)


def _belongs(scene: Scene, found: np.ndarray) -> None:
    """What sticks out over the outline is lesion too."""
    scene.edge = np.maximum(scene.edge, (found - 0.5) * np.float32(0.2))
