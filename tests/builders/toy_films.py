"""Training pictures of a toy: bright discs left or right on a dark ground, as the file that every family reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def toy_films(count: int = 64, size: int = 16, seed: int = 0) -> NDArray[np.uint8]:
    """(n, 1, size, size) uint8: a disc of varied size, place and brightness, always in the lower half."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    pictures = []
    for _ in range(count):
        across, down, radius = rng.uniform(0.3, 0.7), rng.uniform(0.6, 0.75), rng.uniform(0.12, 0.22)
        disc = np.hypot(rows - down, columns - across) < radius
        pictures.append(np.where(disc, rng.integers(170, 250), 30) + rng.integers(-4, 5, (size, size)))
    return np.stack(pictures)[:, None].astype(np.uint8)


def write_toy_films(place: Path, images: NDArray[np.uint8]) -> None:
    """`place`/data.safetensors as the data stage would have written it."""
    from safetensors.numpy import save_file

    about = {
        "films": len(images), "patients": len(images), "classes": [], "vendors": [], "structures": [],
        "modality": "chest radiograph", "digest": "d" * 64, "phantom": True,
    }  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    none = np.full(len(images), -1, np.int64)
    tensors = {"images": images, "labels": none, "vendors": none}
    save_file(tensors, place / "data.safetensors", metadata={"about": json.dumps(about)})
