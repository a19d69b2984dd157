"""What is on a film beside the patient: collimation and the side marker."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Positioning
from lab.data.phantoms.geometry import Map

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
    inside = np.minimum(np.minimum(across - left + lean * (down - 0.5), 1 - right - across + lean * (down - 0.5)),
                        np.minimum(down - top + lean * (across - 0.5), 1 - bottom - down + lean * (across - 0.5)))
    return image * np.clip(inside * size + 0.5, 0, 1)


def mark(image: Map, position: Positioning) -> Map:
    """Put a lead L or R in the matching upper corner: R on the viewer's left, L on the viewer's right."""
    which, inset, top, bright = position.marker
    if which >= 2:
        return image
    size = image.shape[0]
    glyph = np.array([[int(c) for c in row] for row in LETTERS["LR"[which]]], np.float32)
    zoom = max(1, round(size / 128))
    stamp = np.kron(glyph, np.ones((zoom, zoom), np.float32))
    height, width = stamp.shape
    row = round(top * size)
    column = round(inset * size) if which == 1 else size - round(inset * size) - width
    out = image.copy()
    patch = out[row : row + height, column : column + width]
    out[row : row + height, column : column + width] = np.maximum(patch, stamp * np.float32(bright))
    return out
