"""Real films of the test data, a few a patient, small enough that their features are taken in seconds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter


def real_films(
    folder: Path, patients: int, each: int = 1, side: int = 256, grey: bool = True, seed: int = 0
) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Films of patients drawn at random, and their rows; patient by patient.

    Args:
        folder: with `metadata.csv` that names image and patient_id.
        patients, each: how many, and films of each.
        side: the longer side at most, in pixels.
        grey: (H, W) uint8, else (H, W, 3).
        seed: of the draw.
    """
    table = pd.read_csv(folder / "metadata.csv", dtype=str)
    names = table["patient_id"].drop_duplicates().sample(patients, random_state=seed)
    rows = pd.concat([table[table["patient_id"] == name].head(each) for name in names], ignore_index=True)
    films = []
    for name in rows["image"]:
        with Image.open(folder / name) as film:
            taken = film.convert("L" if grey else "RGB")
            taken.thumbnail((side, side))
            films.append(np.asarray(taken))
    return films, rows


def saved_again(film: np.ndarray, quality: int = 75) -> np.ndarray:
    """The film after one round of JPEG: what a copy looks like that nobody meant to hide."""
    stream = io.BytesIO()
    Image.fromarray(film).save(stream, format="JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def blurred(film: np.ndarray, radius: float = 4.0) -> np.ndarray:
    """The film out of focus."""
    return np.asarray(Image.fromarray(film).filter(ImageFilter.GaussianBlur(radius)))
