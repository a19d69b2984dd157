"""A picture of what the realism gate compares. It shows real films, so it is only written where a person says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.atomic import write_bytes
from lab.config import in_project
from lab.data.pixels import encode_png, resize
from lab.errors import InputError
from lab.gates.realism_films import Films

COLUMNS, ZOOM, LINE = 12, 2, 4
NAME = "realism.png"


def write_sheet(sets: tuple[Films, ...], folder: Path) -> Path:
    """Write one row of films for each set, all at the size at which they are compared, enlarged alike.

    Raises:
        InputError: for a folder inside the project.
    """
    if in_project(folder):
        raise InputError(
            "The sheet shows real films and does not belong in the project; it was not written; name another --out."
        )
    rows = []
    for found in sets:
        size = found.images.shape[1] * ZOOM
        films = [resize(image, size, "bicubic") for image in found.images[:COLUMNS]]
        films += [np.zeros((size, size), np.uint8)] * (COLUMNS - len(films))
        rows += [np.concatenate(films, axis=1), np.full((LINE, size * COLUMNS), 255, np.uint8)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    write_bytes(path, encode_png(np.concatenate(rows[:-1])))
    return path
