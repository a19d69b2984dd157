"""Paint the heart of one slice at one moment, and its label mask.

The mask follows the smooth contours a reader draws: papillary muscles and trabeculae lie inside the cavity, as in the
public short-axis sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_heart.body import Surroundings
from lab.data.phantom_heart.canvas import FINER, Canvas, Grain, Map, cover, pooled
from lab.data.phantom_heart.contours import Contours, Polar, Table, contours_of, polar, sheath_of
from lab.data.phantom_heart.shape import ANGLES, Heart, Slice

RV, MYOCARDIUM, LV = 1, 2, 3
MOTION = 1.8  # how much wider edges are because the heart moves while a frame is recorded


def edge(distance: NDArray[Any], soft: NDArray[Any] | float) -> Map:
    """`cover` for what beats."""
    return cover(distance, np.float32(MOTION) * np.asarray(soft, np.float32))


def paint_heart(
    canvas: Canvas,
    heart: Heart,
    cut: Slice,
    levels: dict[str, float],
    thickness: float,
    around: Surroundings,
    nestle: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Paint the heart with its fat and pericardium.

    Args:
        levels: signal of each tissue.
        around: what the body left: `nestle` mm of fat fill the angles between heart, chest wall and diaphragm.
        thickness: of the slice in mm; oblique walls are blurred by it.
        rng: of the patient's own texture, the same for every moment of a slice.

    Returns:
        (size, size) uint8 label mask at the picture's pixels.
    """
    lines = contours_of(heart, cut)
    sheath = sheath_of(lines, heart.patient.fat, cut.height, rng)
    view = polar(canvas, lines.centre, float(sheath.max()) + 32)
    soft = canvas.step * 1.3 + 0.7 + min(cut.slope * thickness, 7.0) * 0.8
    radius = view.radius
    epi, endo = view.read(lines.epi), view.read(lines.endo)
    grain = Grain(rng, canvas.size, canvas.step)
    texture = 0.7 * grain.at(9)[view.at] + 0.5 * grain.at(5.6)[view.at]
    _nestle(canvas, view, view.radius - view.read(sheath), around, nestle, levels, grain)
    _paint_fat(canvas, view, sheath, lines, levels, grain, texture)
    wall = (1 + 0.07 * texture) * levels["myocardium"]
    canvas.paint(edge(radius - view.read(lines.outer), soft), wall, at=view.at)
    canvas.paint(edge(radius - epi, soft), wall, at=view.at)
    pool = _pool(view, cut, grain)
    streaks = grain.at(8)[view.at]
    if cut.crescent.max() > 1.0:
        _paint_right(canvas, view, heart, cut, lines, levels["venous blood"] * pool, streaks)
    if lines.endo.mean() > 0.8:
        seen = view.read(lines.seen)
        canvas.paint(edge(radius - seen, soft), levels["blood"] * pool, 0.0, 1.0, at=view.at)
        _paint_strands(canvas, view, cut, lines, levels, rng)
    return _mask(canvas, view, cut, lines, (endo, epi))


def _nestle(
    canvas: Canvas,
    view: Polar,
    beyond: Map,
    around: Surroundings,
    width: float,
    levels: dict[str, float],
    grain: Grain,
) -> None:
    """Fat outside the pericardium: in the angles that heart, chest wall and diaphragm form, and in pads of its own."""
    uneven = np.float32(width) * np.clip(1 + 0.7 * grain.at(64)[view.at], 0.05, 2.2)
    wall, floor = around.inner[view.at], -around.below[view.at]
    near = np.minimum(wall, np.float32(1.1) * floor)
    pads = np.float32(0.6 * width) * np.clip(grain.at(45)[view.at] - 0.4, 0, 1.5)
    reach = np.maximum(uneven - np.maximum(near, 0), pads)
    reach = reach + 1.5 * grain.at(11)[view.at]
    soft = canvas.step * 1.5 + np.clip(2 + 2.5 * grain.at(45)[view.at], 0, 6)
    share = edge(beyond - reach, soft) * edge(-wall, 1.5) * edge(-floor, 1.5) * (reach > 0.8)
    strands = np.clip(1 - np.abs(grain.at(16)[view.at]) / 0.3, 0, 1)
    tissue = levels["fat"] * (0.88 + 0.06 * grain.at(8)[view.at]) * (1 - 0.3 * strands)
    canvas.paint(np.asarray(share, np.float32), levels["muscle"] * 0.3 * strands, tissue, at=view.at)


def _paint_fat(
    canvas: Canvas,
    view: Polar,
    sheath: Table,
    lines: Contours,
    levels: dict[str, float],
    grain: Grain,
    texture: Map,
) -> None:
    rng, outline = grain.rng, view.read(sheath)
    uneven = grain.at(23)[view.at]
    share = edge(view.radius - outline - 0.9 - 0.5 * uneven, canvas.step * 1.5) * np.clip(
        0.7 + 0.4 * uneven, 0.1, 1
    )
    canvas.paint(np.asarray(share), levels["muscle"] * 0.3, at=view.at)
    soft = canvas.step * 1.5 + np.clip(1 + 1.5 * grain.at(45)[view.at], 0, 4)
    canvas.paint(
        edge(view.radius - outline + 0.5 * uneven, soft),
        0.0,
        levels["fat"] * (0.92 + 0.06 * texture),
        at=view.at,
    )
    for angle in (1.15, -1.25, float(rng.uniform(1.6, 2.8)), float(rng.uniform(-2.8, -1.6))):
        turn = int((angle / (2 * np.pi) + 0.5) * ANGLES) % ANGLES
        place = lines.outer[turn] + 0.45 * max(sheath[turn] - lines.outer[turn], 1.0)
        found = canvas.disc(*_point(lines, angle, place), (rng.uniform(0.8, 1.7), rng.uniform(0.8, 1.5)))
        if found is not None and sheath[turn] - lines.outer[turn] > 2.5:
            canvas.paint(found[0], levels["blood"] * 0.8, 0.0, 0.5, at=found[1])


def _point(lines: Contours, angle: float, radius: float) -> tuple[float, float]:
    return lines.centre[0] - radius * float(np.cos(angle)), lines.centre[1] - radius * float(np.sin(angle))


def _pool(view: Polar, cut: Slice, grain: Grain) -> Map:
    """Blood is not even: inflow brightens the middle, shear and jets darken streaks, more so at mid-systole."""
    fine, broad = grain.at(13)[view.at], grain.at(45)[view.at]
    moving = 4 * cut.squeeze * (1 - cut.squeeze)
    inner = np.clip(1 - view.radius / np.float32(max(cut.endo.mean(), 8.0)), -0.6, 1)
    base = 1 + 0.09 * inner + 0.10 * broad + (0.07 + 0.06 * moving) * fine
    return np.asarray(np.clip(base, 0.55, 1.35), np.float32)


def _paint_right(
    canvas: Canvas, view: Polar, heart: Heart, cut: Slice, lines: Contours, blood: Map, streaks: Map
) -> None:
    """The right cavity with its coarse trabeculae, the deeper the nearer to the apex, and the moderator band."""
    waves = np.roll(heart.roughness[1] + 0.8 * heart.roughness[2], 40)
    depth = (0.10 + 0.25 * np.clip(cut.height, 0, 1)) * cut.crescent
    inside = lines.right - np.minimum(depth * np.clip(waves + 0.1, 0, 1.2), 0.6 * cut.crescent)
    soft = canvas.step * 1.3 + 0.7 + min(cut.slope * 6.0, 4.0)
    seen = edge(view.radius - view.read(inside), soft) * edge(
        view.read(lines.epi) - view.radius, canvas.step * 1.3 + 0.7
    )
    band = np.clip(streaks - np.float32(1.55 - 0.75 * np.clip(cut.height, 0, 1)), 0, 1)
    shade = 1 - np.clip(band * 1.1, 0, 0.75)
    canvas.paint(np.asarray(seen), blood * shade, 0.0, 1.0, at=view.at)


def _paint_strands(
    canvas: Canvas,
    view: Polar,
    cut: Slice,
    lines: Contours,
    levels: dict[str, float],
    rng: np.random.Generator,
) -> None:
    """Papillary muscles, which lean on the wall and close up in systole, and single trabeculae near the apex."""
    size = float(cut.endo.mean())
    draws = rng.uniform(-1, 1, (40, 5))
    present = float(np.clip((cut.height - 0.12) / 0.12, 0, 1) * np.clip((0.95 - cut.height) / 0.15, 0, 1))
    muscle = levels["myocardium"]
    bulk = 1.12 * size**0.5 * (1 + 0.25 * cut.squeeze)
    for number, angle in enumerate((2.2, -2.15)):
        for head in range(4):
            shift = draws[5 * number + head]
            at = angle + 0.33 * shift[0] + 0.12 * (head - 1.5) + cut.twist
            turn = int((at / (2 * np.pi) + 0.5) * ANGLES) % ANGLES
            inward = (0.10 + 0.13 * (1 - cut.height)) * (1 + 0.55 * shift[1])
            large = (0.95, 0.7, 0.5, 0.4)[head] * (1 + 0.25 * shift[4])
            radii = (bulk * large * (0.85 + 0.3 * shift[2]), bulk * large * (0.66 + 0.2 * shift[3]))
            place = _point(lines, at, max(lines.endo[turn] * (1 - inward) - radii[1] * 0.3, 0.0))
            _strand(
                canvas,
                place,
                radii,
                float(-at + 0.9 * shift[1]),
                muscle,
                present * (0.9, 0.85, 0.6, 0.5)[head],
            )
    count = int(np.clip(12 + 16 * cut.height, 6, 30))
    for shift in draws[10 : 10 + count]:
        at = np.pi * shift[0] * 0.8 + np.pi + cut.twist
        turn = int((at / (2 * np.pi) + 0.5) * ANGLES) % ANGLES
        small = 0.5 + 0.9 * abs(shift[2])
        place = _point(lines, at, max(lines.endo[turn] - 1.0 - 2.6 * abs(shift[1]), 0.0))
        clear = float(np.clip(cut.height + 0.15, 0, 0.9))
        _strand(canvas, place, (small * 1.3, small), float(shift[3] * 3), muscle, clear)


def _strand(
    canvas: Canvas,
    place: tuple[float, float],
    radii: tuple[float, float],
    tilt: float,
    muscle: float,
    share: float,
) -> None:
    found = canvas.disc(*place, radii, tilt, 1.6)
    if found is not None and share > 0:
        canvas.paint(found[0] * np.float32(share), muscle, at=found[1])


def _mask(
    canvas: Canvas, view: Polar, cut: Slice, lines: Contours, edges: tuple[Map, Map]
) -> NDArray[np.uint8]:
    size = canvas.size // FINER
    mask = np.zeros((size, size), np.uint8)
    if cut.height < 0:
        return mask
    endo, epi = edges
    shares = [cover(view.radius - line, canvas.step) for line in (endo, epi, view.read(lines.right))]
    starts = [part.start // FINER for part in view.at]
    stops = [-(-part.stop // FINER) for part in view.at]
    part = mask[starts[0] : stops[0], starts[1] : stops[1]]
    rim = [
        (at.start - FINER * low, FINER * high - at.stop)
        for at, low, high in zip(view.at, starts, stops, strict=True)
    ]
    left, wall, right = (pooled(np.pad(share, rim)) >= 0.5 for share in shares)
    part[right] = RV
    part[wall] = MYOCARDIUM
    if lines.endo.mean() > 0.3:
        part[left] = LV
    return mask
