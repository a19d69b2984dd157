"""What lies under the diaphragm: liver, stomach, spleen, kidney and bowel, packed with fat between them."""

from __future__ import annotations

import numpy as np

from lab.data.phantom_heart.canvas import Canvas, Grain, Map, Window, cover, enlarge

Levels = dict[str, float]
CELLS = 18
KINDS = ("gut", "fat", "spleen", "kidney", "stomach")
CHANCES = (0.34, 0.26, 0.16, 0.09, 0.15)


def paint_organs(
    canvas: Canvas,
    below: Map,
    hollow: Map,
    soft: Map,
    liver: tuple[float, float],
    levels: Levels,
    grain: Grain,
) -> None:
    """Fill the space under the diaphragm.

    Organs are rounded cells of a random partition whose borders are bent; cells of the liver grow together. Each is
    drawn in by half a gap of fat, and has a wall and a content of its own.

    Args:
        below: (n, n) mm under the diaphragm, negative above.
        hollow: (n, n) share inside the ribs.
        soft: (n, n) mm, how wide an edge is in this slice.
        liver: mm, where the liver ends behind the heart, and where the diaphragm lies under it.
    """
    deep = cover(2.2 - below, soft) * hollow
    strands = np.clip(1 - np.abs(grain.at(16)) / 0.35, 0, 1)
    canvas.paint(np.asarray(deep), levels["muscle"] * 0.1 * strands, levels["fat"] * (0.9 - 0.12 * strands))
    gap = 0.3 + 2.4 * np.clip(0.5 + grain.at(64), 0, 2.5) * grain.rng.uniform(0.1, 1.0)
    for number, (kind, nodes) in enumerate(_cells(canvas, liver, grain)):
        at = _box(nodes, canvas.size)
        if at is None or kind == "fat":
            continue
        cell = enlarge(nodes, canvas.size, at)
        depth = np.minimum(cell - gap[at], below[at] - 2.6 - 0.6 * gap[at])
        share = np.asarray(cover(-depth, soft[at]) * hollow[at])
        if share.max() > 0:
            _fill(canvas, kind, (depth, share, soft[at]), at, levels, grain)
        if number == 0:
            _vessels(canvas, *liver, (share, at), levels, grain.rng)


def _box(nodes: Map, size: int) -> Window | None:
    """The part of the canvas in which a cell can show."""
    rows, columns = np.nonzero(nodes > -6)
    if not len(rows):
        return None
    every = size // len(nodes)
    low = [max(0, (int(found.min()) - 1) * every) for found in (rows, columns)]
    high = [min(size, (int(found.max()) + 2) * every) for found in (rows, columns)]
    return slice(low[0], high[0]), slice(low[1], high[1])


def _cells(canvas: Canvas, liver: tuple[float, float], grain: Grain) -> list[tuple[str, Map]]:
    """Kinds, and for each the depth (mm) inside its cell, every eighth point; the liver comes first."""
    rng, every = grain.rng, 8
    bend = [7.0 * grain.at(64) + 3.5 * grain.at(23) for _ in range(2)]
    at = slice(every // 2, None, every)
    x, y = canvas.x[at, at] + bend[0][at, at], canvas.y[at, at] + bend[1][at, at]
    seeds = [(float(rng.uniform(-100, 130)), liver[1] + float(rng.uniform(4, 130))) for _ in range(CELLS)]
    seeds += [
        (liver[0] - 30.0, liver[1] + 25.0),
        (liver[0] + rng.uniform(24, 40), liver[1] + rng.uniform(14, 34)),
    ]
    kinds = [
        "liver" if sx < liver[0] + 0.15 * (sy - liver[1]) else str(rng.choice(KINDS, p=CHANCES))
        for sx, sy in seeds
    ]
    kinds[-1] = "stomach" if kinds[-1] == "fat" else kinds[-1]
    far = [np.hypot(x - sx, (y - sy) * 1.15) for sx, sy in seeds]
    merged = [
        ("liver", np.min([d for d, kind in zip(far, kinds, strict=True) if kind == "liver"], axis=0), 90.0)
    ]
    for d, kind in zip(far, kinds, strict=True):
        if kind != "liver":
            merged.append((kind, d, float(rng.uniform(10, 30) if kind != "stomach" else rng.uniform(22, 38))))
    two = np.partition(np.stack([d for _, d, _ in merged]), 1, axis=0)[:2]
    cells = []
    for kind, own, radius in merged:
        other = np.where(own <= two[0], two[1], two[0])
        depth = np.minimum((other - own) / 2, radius - own)
        cells.append((kind, depth.astype(np.float32)))
    return cells


def _fill(
    canvas: Canvas, kind: str, inside: tuple[Map, Map, Map], at: Window, levels: Levels, grain: Grain
) -> None:
    (depth, share, soft), rng, texture = inside, grain.rng, grain.at(8)[at]
    if kind in ("liver", "spleen"):
        canvas.paint(share, levels[kind] * rng.uniform(0.85, 1.1) * (1 + 0.06 * texture), at=at)
        return
    if kind == "kidney":
        canvas.paint(share, levels["kidney"] * (1 + 0.05 * texture), at=at)
        canvas.paint(cover(4 - depth, 3 + soft) * share, levels["kidney"] * (1.2 + 0.15 * texture), at=at)
        canvas.paint(cover(9 - depth, 4 + soft) * share, 0.0, levels["fat"], at=at)
        return
    folds = 0.8 * grain.at(float(rng.choice((8, 11, 16))))[at] + 0.5 * texture
    canvas.paint(share, levels["muscle"] * (1 + 0.15 * folds), at=at)
    inner = np.asarray(cover(rng.uniform(2, 4) - depth, 2.1 + soft) * share)
    shade = levels["gut"] * rng.uniform(0.5, 1.2) * (1 + 0.3 * np.clip(folds, -1.5, 1.5))
    fat = 0.0
    if kind == "gut":
        gas = rng.random() < 0.25
        shade = levels["lung"] * (1 + 0.3 * folds) if gas else shade * rng.uniform(0.8, 1.8)
        fat = 0.0 if gas else levels["fat"] * 0.1
    canvas.paint(inner, shade, fat, at=at)


def _vessels(
    canvas: Canvas,
    liver_end: float,
    floor: float,
    liver: tuple[Map, Window],
    levels: Levels,
    rng: np.random.Generator,
) -> None:
    """Veins of the liver, cut across or along."""
    whole = np.zeros((canvas.size, canvas.size), np.float32)
    whole[liver[1]] = liver[0]
    for _ in range(int(rng.integers(10, 24))):
        x, y = liver_end - rng.uniform(-10, 95), floor + rng.uniform(0, 90)
        thick = float(np.clip(rng.gamma(2.2, 0.65), 0.6, 4.0))
        long = thick * float(rng.choice((1.0, 1.8, 4.0), p=(0.5, 0.3, 0.2)))
        found = canvas.disc(x, y, (long, thick), rng.uniform(0, np.pi), 0.8)
        if found is not None:
            at = found[1]
            shade = levels["venous blood"] * rng.uniform(0.6, 1.0)
            canvas.paint(np.asarray(found[0] * whole[at]), shade, 0.0, 0.6, at=at)
