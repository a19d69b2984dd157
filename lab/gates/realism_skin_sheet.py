"""A picture of what the skin's realism gate compares. It shows patients' skin: written only where a person says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.atomic import write_bytes
from lab.config import in_project
from lab.data.pixels import encode_png
from lab.errors import InputError
from lab.gates.realism_skin import SkinPictures
from lab.gates.realism_skin_pictures import REAL_LABELS, Pictures

COLUMNS, ROWS, LINE = 6, 2, 6
NAME = "realism-skin.png"


def write_skin_sheet(pictures: SkinPictures, folder: Path) -> Path:
    """Write real pictures on the left and phantoms on the right, two rows a class, at the size they are compared.

    Raises:
        InputError: for a folder inside the project.
    """
    if in_project(folder):
        raise InputError(
            "The sheet shows real pictures and does not belong in the project; it was not written; name another --out."
        )
    strips = []
    for label in REAL_LABELS:
        real, phantom = (_block(found.only(label)) for found in (pictures.halves[0], pictures.phantoms))
        gap = np.full((len(real), LINE, 3), 255, np.uint8)
        strips.append(np.concatenate([real, gap, phantom], axis=1))
        strips.append(np.full((LINE, strips[-1].shape[1], 3), 255, np.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    write_bytes(path, encode_png(np.concatenate(strips[:-1])))
    return path


def _block(found: Pictures) -> np.ndarray:
    size = found.images.shape[1]
    images = list(found.images[: COLUMNS * ROWS])
    images += [np.zeros((size, size, 3), np.uint8)] * (COLUMNS * ROWS - len(images))
    rows = [np.concatenate(images[row * COLUMNS : (row + 1) * COLUMNS], axis=1) for row in range(ROWS)]
    return np.concatenate(rows)
