"""What is on a film beside the patient: collimation, the side marker, a burnt-in word, leads lying on the skin."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Positioning
from lab.data.phantoms.geometry import Map, Plane, blurred

LETTERS = {
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
}


def collimate(image: Map, position: Positioning) -> Map:
    """Blacken what the collimator kept dark: up to a tenth of each side, edges slightly skewed."""
    left, right, top, bottom, skew = position.collimation
    size = image.shape[0]
    if max(left, right, top, bottom) == 0:
        return image
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    across, down = np.meshgrid(steps, steps)
    lean = np.float32(skew)
    inside = np.minimum(
        np.minimum(across - left + lean * (down - 0.5), 1 - right - across + lean * (down - 0.5)),
        np.minimum(down - top + lean * (across - 0.5), 1 - bottom - down + lean * (across - 0.5)),
    )
    return image * np.clip(inside * size + 0.5, 0, 1)


def mark(image: Map, position: Positioning) -> Map:
    """Put a lead L or R in the matching upper corner: R on the viewer's left, L on the viewer's right."""
    which, inset, top, bright = position.marker
    if which >= 2:
        return image
    size = image.shape[0]
    glyph = np.array([[int(c) for c in row] for row in LETTERS["LR"[which]]], np.float32)
    zoom = max(1, round(size / 256))  # lead letters are about a centimetre tall
    stamp = np.kron(glyph, np.ones((zoom, zoom), np.float32))
    height, width = stamp.shape
    row = round(top * size)
    column = round(inset * size) if which == 1 else size - round(inset * size) - width
    out = image.copy()
    patch = out[row : row + height, column : column + width]
    out[row : row + height, column : column + width] = np.maximum(patch, stamp * np.float32(bright))
    return out


WORDS = ("PORTABLE", "AP ERECT", "SUPINE", "AP", "ERECT", "PORT")
SMALL = {
    "P": "111101111100100",
    "O": "111101101101111",
    "R": "110101110101101",
    "T": "111010010010010",
    "A": "010101111101101",
    "B": "110101110101110",
    "L": "100100100100111",
    "E": "111100110100111",
    "C": "111100100100111",
    "S": "111100111001111",
    "U": "101101101101111",
    "I": "111010010010111",
    "N": "101111111101101",
    " ": "000000000000000",
}


def label(image: Map, position: Positioning) -> Map:
    """Burn a small word into the upper corner opposite the marker."""
    if position.label < 0:
        return image
    size = image.shape[0]
    glyphs = [np.array(list(SMALL[c]), np.float32).reshape(5, 3) for c in WORDS[position.label]]
    stamp = np.concatenate([np.pad(g, ((0, 0), (0, 1))) for g in glyphs], 1)
    stamp = np.kron(stamp, np.ones((max(1, round(size / 200)), max(1, round(size / 200))), np.float32))
    height, width = stamp.shape
    _, inset, top, bright = position.marker
    row = round((0.6 * top + 0.01) * size)
    column = (
        round(inset * size * 0.8) if position.marker[0] != 1 else size - round(inset * size * 0.8) - width
    )
    out = image.copy()
    patch = out[row : row + height, column : column + width]
    out[row : row + height, column : column + width] = np.maximum(patch, stamp * np.float32(0.9 * bright))
    return out


def lead_thickness(plane: Plane, position: Positioning, rng: np.random.Generator) -> Map:
    """Wires with electrodes on the chest of a patient filmed in bed, as cm of bone that stop the beam alike."""
    steps = np.linspace(0, 1, 900, dtype=np.float32)[:, None]
    points, masses = [], []
    for _ in range(position.leads):
        start = np.array([rng.uniform(-11, 11), rng.uniform(1, 14), 10.0], np.float32)
        end = np.array(
            [
                rng.choice([-1.0, 1.0]) * rng.uniform(6, 20),
                rng.choice([-8.0, 24.0]) + rng.uniform(-3, 8),
                10.0,
            ],
            np.float32,
        )
        bend = np.array([rng.normal(0, 5), rng.normal(0, 5), 0], np.float32)
        sway = np.array([rng.normal(0, 2), rng.normal(0, 2), 0], np.float32)
        wire = start + (end - start) * steps + bend * np.sin(np.pi * steps) + sway * np.sin(2 * np.pi * steps)
        length = float(np.linalg.norm(np.diff(wire, axis=0), axis=1).sum())
        points.append(wire)
        masses.append(np.full(900, length / 900 * 0.12, np.float32))
        angle = rng.uniform(0, 2 * np.pi, 500).astype(np.float32)
        radius = (np.where(rng.random(500) < 0.5, 0.62, 0.25) * np.sqrt(rng.uniform(0.7, 1.0, 500))).astype(
            np.float32
        )
        points.append(
            start + np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(500, np.float32)], -1)
        )
        masses.append(np.full(500, 1.0 / 500, np.float32))
    return blurred(
        plane.splat(np.concatenate(points).astype(np.float32), np.concatenate(masses)), 0.5 * plane.size / 256
    )
