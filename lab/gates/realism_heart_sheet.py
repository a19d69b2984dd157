"""A picture of what the heart's realism gate compares. It shows real pictures: only written where a person says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.atomic import write_bytes
from lab.config import in_project
from lab.data.pixels import encode_png, resize
from lab.errors import InputError
from lab.gates.realism_heart_pictures import Grey, Hearts

COLUMNS, ROWS, ZOOM, LINE = 12, 2, 2, 4
NAME = "realism-heart.png"


def write_heart_sheet(sets: tuple[Hearts, ...], folder: Path, seed: int = 0) -> Path:
    """Write two rows of pictures for each set, one picture a patient, as they are compared, enlarged alike.

    Args:
        sets: in order from the top; a white line parts them.
        folder: outside the project.
        seed: of the draw of patients and pictures.

    Raises:
        InputError: for a folder inside the project.
    """
    if in_project(folder):
        raise InputError(
            "The sheet shows real pictures and does not belong in the project; it was not written; name another --out."
        )
    bands: list[Grey] = []
    for found in sets:
        rng = np.random.default_rng(seed)
        names = rng.permutation(np.unique(found.patients))[: COLUMNS * ROWS]
        rows = [int(rng.choice(np.flatnonzero(found.patients == name))) for name in names]
        size = found.images.shape[1] * ZOOM
        pictures = [resize(found.images[row], size, "bicubic") for row in rows]
        pictures += [np.zeros((size, size), np.uint8)] * (COLUMNS * ROWS - len(pictures))
        for start in range(0, COLUMNS * ROWS, COLUMNS):
            bands.append(np.concatenate(pictures[start : start + COLUMNS], axis=1))
        bands.append(np.full((LINE, size * COLUMNS), 255, np.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    write_bytes(path, encode_png(np.concatenate(bands[:-1])))
    return path
