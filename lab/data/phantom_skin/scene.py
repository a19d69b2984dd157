"""What lies in and on the skin of one picture, as maps that structures add to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lab.data.phantom_skin.fields import Map, at, mesh, smoothstep, stream, tile
from lab.data.phantom_skin.frame import Frame
from lab.data.phantom_skin.plan import Lesion

Colour = tuple[float, float, float]
CHANGE, AREA = 0.10, 0.003  # density and share of the picture from which a structure counts as seen


@dataclass(eq=False)
class Scene:
    """One lesion in one view.

    Attributes:
        wx, wy: mm, bent by noise, so that nothing drawn along them is straight or round.
        edge: mm inside (+) or outside (-) of the outline; wide: mm over which the edge fades.
        inside: 0 to 1, the lesion's presence; depth: 0 at the edge to 1 in the middle.
        coarse, patch, band, fine: noise of falling wavelength, mean 0, SD 1, fixed to the lesion.
        mel, deep, blood: density of brown, blue-grey and red that the lesion adds.
        covers: (opacity 0..1, linear RGB) of what lies on top, in order.
        seen: structure to the share of the picture it changes.
        marks: mask of structures that belong to the lesion beyond its outline.
    """

    frame: Frame
    lesion: Lesion
    address: tuple[int, int, int]
    wx: Map
    wy: Map
    angle: Map
    edge: Map
    wide: Map
    inside: Map
    depth: Map
    coarse: Map
    patch: Map
    band: Map
    fine: Map
    mel: Map
    deep: Map
    blood: Map
    covers: list[tuple[Map, Colour]] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)

    def rng(self, use: str) -> np.random.Generator:
        """The random numbers of one structure of this lesion, the same in every picture of it."""
        seed, patient, number = self.address
        return stream(seed, use, patient, number)

    def cover(self, opacity: Map, colour: Colour) -> None:
        """Lay something opaque on top."""
        self.covers.append((np.clip(opacity, 0, 1), colour))

    def mesh(self, spacing: float, use: str, uneven: float) -> Map:
        """A net that lies in the lesion; `uneven` 0 regular to 1 bizarre."""
        turn = float(self.rng(use + " turn").uniform(0, 1))
        slow, fast = np.float32(1.0 + 1.5 * uneven), np.float32(0.25 + 0.5 * uneven)
        bends = (
            slow * (self.patch + self.coarse) + fast * self.band,
            slow * (self.patch - self.coarse) - fast * self.band,
            slow * (self.coarse - self.patch) + fast * self.fine,
        )
        return mesh(self.frame.x, self.frame.y, spacing, turn, bends)

    def points(self, use: str, count: int, spread: float = 0.85) -> np.ndarray:
        """(count, 2) places in mm, uniform over the ellipse of the lesion out to `spread` of its radius."""
        rng = self.rng(use)
        lesion = self.lesion
        r = lesion.radius * spread * np.sqrt(rng.random(count))
        a = rng.uniform(0, 2 * np.pi, count)
        return on_lesion(lesion, r, a)


def on_lesion(lesion: Lesion, r: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Places (n, 2) mm at radius and angle in the lesion's own stretched axes."""
    long = np.sqrt(1 + lesion.elongation)
    u, v = r * np.cos(a) * long, r * np.sin(a) / long
    c, s = np.cos(lesion.turn), np.sin(lesion.turn)
    return np.stack([c * u - s * v, s * u + c * v], axis=1)


def make_scene(lesion: Lesion, frame: Frame, address: tuple[int, int, int]) -> Scene:
    """The outline and ground of a lesion, without structures."""
    rng = stream(address[0], "noise", *address[1:])
    x, y = frame.x, frame.y
    waves = tile(rng, 1.7, 2, 11)
    bend = np.float32(lesion.warp)
    wx = x + bend * at(waves, x, y)
    wy = y + bend * at(waves, y + 7, 11 - x)
    patch = at(tile(rng, 1.5, 2.5, 20), x, y)
    band = at(tile(rng, 0.4, 14, 44), x, y)
    fine = at(tile(rng, 0.7, 24), x, y)
    coarse = at(waves, x + 5, y + 3)
    angle, radius, reach = _polar(lesion, wx, wy)
    ragged = np.float32(0.02 + 0.12 * min(lesion.kind.irregular, 0.8))
    edge = np.asarray(reach - radius + ragged * (0.5 * band + 0.3 * fine), np.float32)
    phase = np.float32(rng.uniform(0, 2 * np.pi))
    low, high = (np.float32(value) for value in lesion.blur)
    blunt = smoothstep(0.5 + 0.5 * np.cos(angle - phase) + 0.35 * coarse)
    wide = np.asarray(low + (high - low) * blunt, np.float32)
    # An edge does not fade like a blurred disc: it dissolves into grains and threads.
    crumbs = 0.05 * band + 0.07 * fine + 0.15 * patch
    inside = smoothstep(edge / wide + 0.5 + np.float32(lesion.kind.crumbly) * crumbs)
    depth = np.clip(edge / np.float32(lesion.radius), 0, 1).astype(np.float32)
    ground = _ground(lesion, edge, inside, (patch, band, fine))
    zero = np.zeros_like(x)
    blood = np.float32(lesion.red) * smoothstep((edge + 0.5 * wide) / (2.0 * wide) + 0.5)
    blood = blood * (1 + 0.25 * coarse + 0.25 * patch + 0.18 * band + 0.18 * fine)
    return Scene(
        frame, lesion, address, wx, wy, angle, edge, wide, inside, depth, coarse, patch, band, fine,
        ground, zero.copy(), np.maximum(blood, 0),
    )  # fmt: skip


def _ground(lesion: Lesion, edge: Map, inside: Map, noise: tuple[Map, Map, Map]) -> Map:
    """Density of the pigment without structures: patchy, grainy, and denser in the middle by an uneven slope."""
    patch, band, fine = noise
    patchy = np.float32(lesion.patchy)
    grains = np.float32(0.07 + 0.10 * lesion.patchy)
    uneven = np.exp(0.42 * patchy * patch + grains * (0.7 * band + 0.35 * fine) - 0.1 * patchy)
    slope = smoothstep(edge / np.float32(lesion.rise * lesion.radius) + 0.28 * patch + 0.06 * band)
    core = 1 + np.float32(lesion.core) * (1.15 * slope - 0.6)
    return np.asarray(np.float32(lesion.brown) * inside * uneven * core, np.float32)


def _polar(lesion: Lesion, wx: Map, wy: Map) -> tuple[Map, Map, Map]:
    """Angle, distance from the middle, and how far the outline reaches there, mm."""
    c, s = np.float32(np.cos(lesion.turn)), np.float32(np.sin(lesion.turn))
    long = np.float32(np.sqrt(1 + lesion.elongation))
    u, v = (c * wx + s * wy) / long, (c * wy - s * wx) * long
    angle = np.arctan2(v, u)
    reach = np.ones_like(wx)
    for order, height, phase in lesion.waves:
        reach += np.float32(height) * np.cos(order * angle + np.float32(phase))
    reach = np.maximum(reach, 0.25) * np.float32(lesion.radius)
    return angle, np.hypot(u, v), reach
