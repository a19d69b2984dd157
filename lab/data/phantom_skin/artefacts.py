"""What lies between skin and lens: hair, ruler, ink, gel bubbles, glare, the dark rim of the dermatoscope.

Each artefact is an opacity and a colour, so that a picture without it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lab.data.phantom_skin.fields import Map, blurred, smoothstep, stream, tile
from lab.data.phantom_skin.frame import strokes
from lab.data.phantom_skin.hair import SHADOW, grow, growths
from lab.data.phantom_skin.plan import Patient, Shot

CHANCES = {"ruler": 0.03, "vignette": 0.08, "bubbles": 0.08, "glare": 0.35, "ink": 0.012}
CLEAR, SEEN = 0.2, 0.004  # opacity, and share of the picture that has it, from which hair is named
MANY = 0.014  # mean opacity from which hair is many
FAINT = np.float32(0.05)  # a thinner veil than this is left out, so that a layer is all that changed


@dataclass(frozen=True, eq=False)
class Layer:
    """One artefact: opacity (size, size) 0 to 1, and colour (size, size, 3) sRGB 0..255."""

    name: str
    opacity: Map
    colour: Map

    @property
    def where(self) -> np.ndarray:
        """(size, size) bool: every pixel it changes."""
        return self.opacity > 0


@dataclass(frozen=True, eq=False)
class Artefacts:
    """All artefacts of one picture, lowest first, and what hair there is in words: "" when none."""

    layers: tuple[Layer, ...]
    hair: str
    density: str


def make_artefacts(
    patient: Patient, shot: Shot, size: int, site: str, address: tuple[int, int, int]
) -> Artefacts:
    """Draw what this picture has; `address` is seed, patient and film."""
    seed, person, film = address
    rng = stream(seed, "artefacts", person, film)
    has: Mapping[str, bool] = {name: bool(rng.random() < chance) for name, chance in CHANCES.items()}
    layers: list[Layer] = []
    if has["ink"]:
        layers.append(_ink(size, shot, stream(seed, "ink", person, film)))
    hairs, word, density = _hair(patient, size, shot, site, stream(seed, "hair", person, film))
    layers += hairs
    if has["bubbles"]:
        layers.append(_bubbles(size, shot, stream(seed, "bubbles", person, film)))
    if has["glare"]:
        layers.append(_glare(size, shot, stream(seed, "glare", person, film)))
    if has["ruler"]:
        layers.append(_ruler(size, shot, stream(seed, "ruler", person, film)))
    if has["vignette"]:
        layers.append(_vignette(size, stream(seed, "vignette", person, film)))
    return Artefacts(tuple(layers), word, density)


def _flat(size: int, colour: tuple[float, float, float]) -> Map:
    return np.broadcast_to(np.asarray(colour, np.float32), (size, size, 3))


def _layer(name: str, opacity: Map, colour: Map) -> Layer:
    return Layer(
        name, np.where(opacity > FAINT, np.minimum(opacity, 1), np.float32(0)).astype(np.float32), colour
    )


def _hair(
    patient: Patient, size: int, shot: Shot, site: str, rng: np.random.Generator
) -> tuple[list[Layer], str, str]:
    """Hair and its shadow. Words: "dark hair", "light hair", "hair" for both, or ""; and "none", "few", "many"."""
    flow = rng.uniform(0, np.pi)
    layers: list[Layer] = []
    sorts: set[bool] = set()
    for sort in growths(patient, shot, size, site, rng):
        cover, shadow = grow(sort, size, flow, rng)
        glint = np.float32(50) * blurred(rng.standard_normal((size, size), dtype=np.float32), 3.0)[..., None]
        # A hair dips in and out of the gel.
        wet = smoothstep(
            np.float32(0.75) + 2.5 * blurred(rng.standard_normal((size, size), dtype=np.float32), size / 32)
        )
        strands = _layer(
            "hair", np.float32(sort.opacity) * cover * (0.45 + 0.55 * wet), _flat(size, sort.colour) + glint
        )
        if sort.dark:
            layers.append(_layer("hair", np.float32(rng.uniform(0.0, 0.14)) * shadow, _flat(size, SHADOW)))
        layers.append(strands)
        if (strands.opacity > CLEAR).mean() > SEEN:
            sorts.add(sort.dark)
    if not layers:
        return [], "", "none"
    share = float(np.maximum.reduce([layer.opacity for layer in layers]).mean())
    word = "hair" if len(sorts) == 2 else "dark hair" if True in sorts else "light hair" if sorts else ""
    return layers, word, ("many" if share > MANY else "few") if word else "none"


def _ruler(size: int, shot: Shot, rng: np.random.Generator) -> Layer:
    """A millimetre scale along one side: long marks every five, printed on glass."""
    side = int(rng.integers(4))
    step = size / shot.field
    paths = []
    start = rng.uniform(0, step)
    base = size * rng.uniform(0.015, 0.05)
    lean = rng.normal(0, 0.01)
    for number in range(int(shot.field) + 2):
        along = start + number * step
        long = step * (0.95 if number % 5 == 0 else 0.5)
        near = base + lean * along
        paths.append(np.array([[along, near], [along - lean * long, near + long]]))
    paths = [_turned(path, side, size) for path in paths]
    width = max(0.008 * size, 0.8)
    cover = blurred(strokes(size, paths, [np.full(2, width)] * len(paths)), 0.4 * size / 192)
    shade = rng.uniform(25, 75)
    return _layer("ruler", np.float32(rng.uniform(0.6, 0.9)) * cover, _flat(size, (shade, shade, shade + 8)))


def _turned(path: np.ndarray, side: int, size: int) -> np.ndarray:
    flipped = path if side in (0, 2) else path[:, ::-1]
    return flipped if side < 2 else size - 1 - flipped


def _vignette(size: int, rng: np.random.Generator) -> Layer:
    """The dark rim of a round field."""
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    across, down = np.meshgrid(steps, steps)
    aside = rng.normal(0, 0.02, 2)
    radius = np.hypot(across - np.float32(aside[0]), down - np.float32(aside[1]))
    limit, soft = rng.uniform(0.55, 0.68), rng.uniform(0.02, 0.10)
    return _layer("vignette", smoothstep((radius - np.float32(limit)) / soft), _flat(size, (6.0, 4.0, 7.0)))


def _bubbles(size: int, shot: Shot, rng: np.random.Generator) -> Layer:
    """Round gel bubbles: a bright rim, brightest towards the light."""
    steps = np.arange(size, dtype=np.float32)
    across, down = np.meshgrid(steps, steps)
    cover = np.zeros((size, size), np.float32)
    middle = rng.uniform(0, size, 2)
    for _ in range(int(rng.integers(1, 9))):
        at = middle + rng.normal(0, 0.16 * size, 2)
        r = size * rng.lognormal(-4.0, 0.6)
        dx, dy = across - np.float32(at[0]), down - np.float32(at[1])
        distance = np.hypot(dx, dy)
        rim = np.exp(-(((distance - r) / max(0.16 * r, 0.8)) ** 2))
        lit = 0.55 + 0.45 * (dx * 0.6 - dy * 0.8) / np.maximum(distance, 1)
        cover = np.maximum(cover, rim * lit * np.float32(rng.uniform(0.35, 0.8)))
    return _layer("bubbles", cover, _flat(size, (238.0, 228.0, 232.0)))


def _glare(size: int, shot: Shot, rng: np.random.Generator) -> Layer:
    """Small bright reflections of the light on wet skin, in a patch."""
    noise = tile(rng, 0.35, 20, 110)
    rows = (np.arange(size) * 256) // size
    spots = smoothstep((noise[rows][:, rows] - np.float32(rng.uniform(2.3, 2.9))) / 0.5)
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    across, down = np.meshgrid(steps, steps)
    at = rng.uniform(0.15, 0.85, 2)
    near = np.exp(-(((across - np.float32(at[0])) ** 2 + (down - np.float32(at[1])) ** 2) / np.float32(0.05)))
    cover = blurred(spots * near, 0.5 * size / 192) * np.float32(rng.uniform(0.6, 1.0))
    return _layer("glare", cover, _flat(size, (246.0, 240.0, 244.0)))


def _ink(size: int, shot: Shot, rng: np.random.Generator) -> Layer:
    """A line of violet or blue marker beside the lesion."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.linspace(angle - rng.uniform(0.2, 0.6), angle + rng.uniform(0.2, 0.6), 30)
    radius = size * (rng.uniform(0.5, 0.6) + 0.02 * np.sin(turn * 5))
    path = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1) + size / 2
    wide = np.full(30, size * rng.uniform(0.03, 0.06))
    cover = blurred(strokes(size, [path], [wide]), 1.2 * size / 192)
    streaky = 1 + 0.25 * blurred(rng.standard_normal((size, size), dtype=np.float32), 1.5) * 3
    colour = (72.0, 42.0, 132.0) if rng.random() < 0.65 else (38.0, 62.0, 128.0)
    return _layer(
        "ink", np.float32(rng.uniform(0.4, 0.75)) * cover * np.clip(streaky, 0, 1.2), _flat(size, colour)
    )
