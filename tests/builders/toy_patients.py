"""Small pictures of made-up patients: a pattern of bars of their own, moved and made noisy from film to film."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def toy_films(patients: int, films: int, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, size, size) uint8 pictures, `films` of each patient, and (n,) names."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size))
    pictures, names = [], []
    for patient in range(patients):
        waves = rng.uniform(1, 5, (3, 2)) * rng.choice([-1, 1], (3, 2))
        phase, weight = rng.uniform(0, 6.28, 3), rng.uniform(0.5, 1, 3)
        for _ in range(films):
            shift = rng.uniform(-0.03, 0.03, 2)
            wave = sum(
                w * np.sin(6.28 * (a * (across + shift[0]) + b * (down + shift[1])) + p)
                for (a, b), p, w in zip(waves, phase, weight, strict=True)
            )
            grey = 128 + 40 * wave + rng.normal(0, 8, wave.shape)
            pictures.append(grey.clip(0, 255).astype(np.uint8))
            names.append(f"toy{patient:04d}")
    return np.stack(pictures), np.array(names)


def write_toy_folder(folder: Path, patients: int = 40, films: int = 3, size: int = 32) -> Path:
    """A folder with metadata.csv as the importer reads it; films have captions, two patients share each."""
    from PIL import Image

    pictures, names = toy_films(patients, films, size)
    (folder / "images").mkdir(parents=True)
    lines = ["image,patient_id,label,text"]
    for row, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        Image.fromarray(picture).save(folder / "images" / f"{row:04d}.png")
        words = "left" if row % 2 else "right"
        number = "abcdefghij"[int(name[3:]) // 2 % 10]
        lines.append(f"images/{row:04d}.png,{name},normal,small {words} effusion {number}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder
