"""A mask moved, turned and resized as a whole; its numbers stay what they are."""

from __future__ import annotations

import numpy as np

from lab.errors import InputError
from lab.generators.mask_channels import Labels

FURTHEST, WIDEST_TURN = 0.3, 180.0
SMALLEST, LARGEST = 0.5, 2.0


def moved(
    mask: Labels, across: float = 0.0, down: float = 0.0, turn: float = 0.0, zoom: float = 1.0
) -> Labels:
    """(S, S) structure numbers after a move, background coming in from outside.

    Args:
        mask: square.
        across, down: shares of the side, -0.3 to 0.3; positive to the right and down.
        turn: degrees, clockwise on the screen, about the middle of the structures.
        zoom: 0.5 to 2, about the same point.

    Raises:
        InputError: for a number out of range.
    """
    fits = abs(across) <= FURTHEST and abs(down) <= FURTHEST and abs(turn) <= WIDEST_TURN
    if not fits or not SMALLEST <= zoom <= LARGEST:
        raise InputError(
            "A mask can be moved by 30 % of its side, turned by 180 degrees and scaled by 0.5 to 2; it was left as it "
            "was; give smaller numbers."
        )
    if (across, down, turn, zoom) == (0.0, 0.0, 0.0, 1.0) or not mask.any():
        return mask
    side = len(mask)
    rows, columns = np.nonzero(mask)
    middle = (rows.mean(), columns.mean())
    c, s = np.cos(np.deg2rad(turn)) / zoom, np.sin(np.deg2rad(turn)) / zoom
    y, x = np.mgrid[:side, :side].astype(float)
    y, x = y - middle[0] - down * side, x - middle[1] - across * side
    at_row = np.rint(c * y - s * x + middle[0]).astype(int)
    at_column = np.rint(c * x + s * y + middle[1]).astype(int)
    inside = (at_row >= 0) & (at_row < side) & (at_column >= 0) & (at_column < side)
    found = np.zeros_like(mask)
    found[inside] = mask[at_row[inside], at_column[inside]]
    return found
