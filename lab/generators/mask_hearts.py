"""Masks of hearts that nobody scanned: from a few numbers a person sets, or drawn at random like the phantom's.

A short-axis slice is three closed curves about the long axis of the left ventricle: the inner and the outer edge of
its wall, and the outer edge of the right cavity, which leans on the wall. Angle 0 points at the septum, which lies to
the left, a quarter turn at the anterior wall, which lies up, before the picture is turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.generators.mask_channels import Labels

Floats = NDArray[np.float64]
RV, MYOCARDIUM, LV = "right ventricle", "myocardium", "left ventricle"
STRUCTURES = (RV, MYOCARDIUM, LV)
FIELD = 235.0  # mm a side, the middle of what the phantom's scanners use
DRAWN_SEED = 8191  # of the random hearts: none of them is a patient of the phantom set
HIGHEST, LOWEST = 0.05, 0.85
FINER = 4


@dataclass(frozen=True)
class HeartShape:
    """A heart in numbers a person can set.

    Attributes:
        across, down: of the long axis, shares of the side from the upper left corner.
        cavity: diameter of the left cavity in mm.
        wall: thickness of the left wall in mm.
        right: breadth of the right cavity in mm, from the septum to its free wall; 0 for none.
        turn: degrees, clockwise on the screen.
        oval: how much longer the hearts is in one direction than in the other, in percent.
    """

    across: float = 0.45
    down: float = 0.46
    cavity: float = 48.0
    wall: float = 9.0
    right: float = 34.0
    turn: float = -20.0
    oval: float = 0.0


LIMITS: Mapping[str, tuple[float, float]] = {
    "across": (0.2, 0.8), "down": (0.2, 0.8), "cavity": (12.0, 80.0), "wall": (3.0, 22.0), "right": (0.0, 70.0),
    "turn": (-90.0, 90.0), "oval": (0.0, 25.0),
}  # fmt: skip


def drawable(structures: Sequence[str]) -> bool:
    """Whether a generator's structures are those of a short-axis heart, so that one can be drawn for it."""
    return set(STRUCTURES) <= set(structures)


def draw_heart(shape: HeartShape, size: int, structures: Sequence[str] = STRUCTURES) -> Labels:
    """The mask of a heart set by hand.

    Args:
        shape: its numbers.
        size: side in pixels.
        structures: names of 1, 2, ...; the three of a heart must be among them.

    Returns:
        (size, size) uint8.

    Raises:
        InputError: for a number outside `LIMITS`, or structures without a heart.
    """
    for one in fields(HeartShape):
        low, high = LIMITS[one.name]
        value = float(getattr(shape, one.name))
        if not low <= value <= high:
            raise InputError(
                f"The heart's {one.name} must be {low:g} to {high:g}; nothing was drawn; move it back."
            )
    phi = _angles()
    longer = 1 + shape.oval / 100 * np.cos(2 * (phi - np.pi / 2)) / 2
    endo = shape.cavity / 2 * longer
    epi = endo + shape.wall
    return _filled(
        endo, epi, epi + _crescent(phi, shape.right), size, FIELD, (shape.across, shape.down),
        np.deg2rad(shape.turn), structures,
    )  # fmt: skip


def sample_heart(seed: int, size: int, structures: Sequence[str] = STRUCTURES) -> Labels:
    """The mask of a random slice of a random heart: disease group, volumes, walls, slice, moment and position drawn.

    Equal seeds give equal masks. No heart is that of a phantom patient any generator was trained on.

    Returns:
        (size, size) uint8.

    Raises:
        InputError: for structures without a heart.
    """
    from lab.data.phantom_heart.contours import contours_of
    from lab.data.phantom_heart.render import case_of
    from lab.data.phantom_heart.shape import slice_at

    rng = np.random.default_rng(np.random.SeedSequence(DRAWN_SEED, spawn_key=(seed,)))
    case = case_of(DRAWN_SEED, int(rng.integers(100_000)))
    moment = float(rng.choice((0.0, case.patient.systole, rng.uniform())))
    depth = float(rng.uniform(HIGHEST, LOWEST)) * case.heart.length
    depth += max(0.0, HIGHEST - slice_at(case.heart, depth, moment).height) * case.heart.length
    cut = slice_at(case.heart, depth, moment)
    lines = contours_of(case.heart, cut)
    scan = case.scan
    return _filled(
        lines.endo, lines.epi, lines.right, size, scan.field, scan.heart, scan.turn, structures, lines.centre
    )


def _angles() -> Floats:
    from lab.data.phantom_heart.shape import angles

    return angles()


def _crescent(phi: Floats, breadth: float) -> Floats:
    """How far the right cavity reaches beyond the wall, by angle: widest over the septum, nothing behind it."""
    reach = np.deg2rad(62 + 22 * min(1.0, breadth / 45))
    inside = np.clip(np.cos(np.clip(phi / reach, -1, 1) * np.pi / 2), 0, None)
    return breadth * inside**0.75


def _filled(
    endo: Floats,
    epi: Floats,
    right: Floats,
    size: int,
    field: float,
    place: tuple[float, float],
    turn: float,
    structures: Sequence[str],
    centre: tuple[float, float] = (0.0, 0.0),
) -> Labels:
    """Fill three curves (mm by angle) on a fine grid; a pixel gets the structure that covers most of it."""
    if not drawable(structures):
        raise InputError(
            f"A heart needs the structures {', '.join(STRUCTURES)}; nothing was drawn; choose or upload a mask."
        )
    points = size * FINER
    at = (np.arange(points) + 0.5) * field / points
    across, down = np.meshgrid(at - place[0] * field, at - place[1] * field)
    c, s = np.cos(turn), np.sin(turn)
    x, y = c * across + s * down - centre[0], c * down - s * across - centre[1]
    phi, radius = np.arctan2(-y, -x), np.hypot(x, y)
    known = _angles()
    found = np.zeros((points, points), np.uint8)
    for number, line in enumerate((right, epi, endo), 1):
        found[radius < np.interp(phi, known, line, period=2 * np.pi)] = number
    numbers = [0, *(1 + list(structures).index(name) for name in STRUCTURES)]
    return np.asarray(numbers, np.uint8)[_most(found, size)]


def _most(fine: Labels, size: int) -> Labels:
    """Of each pixel, the number that covers most of its points; the higher one where two cover as much."""
    boxes = fine.reshape(size, FINER, size, FINER).swapaxes(1, 2).reshape(size, size, -1)
    counts = np.stack([(boxes == number).sum(axis=-1) for number in range(int(fine.max(initial=0)) + 1)])
    return (len(counts) - 1 - counts[::-1].argmax(axis=0)).astype(np.uint8)
