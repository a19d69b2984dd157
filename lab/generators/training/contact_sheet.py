"""Contact sheets: many small films in one PNG, to look at while a generator trains."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lab.atomic import write_bytes

GAP = 2


def contact_sheet(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """(n, H, W) or (n, H, W, 3) uint8 films side by side, row by row, with a thin grey line between them."""
    n, height, width = images.shape[:3]
    rows = -(-n // columns)
    sheet = np.full((rows * (height + GAP), columns * (width + GAP), *images.shape[3:]), 96, np.uint8)
    for k, image in enumerate(images):
        top, left = (k // columns) * (height + GAP), (k % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def write_sheet(images: NDArray[np.uint8], path: Path, columns: int = 8) -> Path:
    """Write a contact sheet of (n, H, W) or (n, H, W, 3) uint8 films as PNG."""
    stream = io.BytesIO()
    sheet = Image.fromarray(contact_sheet(images, columns))
    if sheet.mode == "RGB":
        # A sheet is there to be looked at: 256 colours show it at a third of the size.
        sheet = sheet.quantize(256, dither=Image.Dither.NONE)
    sheet.save(stream, format="PNG", optimize=True)
    write_bytes(path, stream.getvalue())
    return path
