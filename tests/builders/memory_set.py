"""Image sets in memory and a fast stand-in for a feature extractor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data.imageset import FrameSet
from lab.provenance import digest_bytes


class MemorySet(FrameSet):
    """Films given as arrays; every film's digest is that of its pixels."""

    def __init__(self, id: str, films: Sequence[NDArray[Any]], patients: Sequence[str] | None = None) -> None:
        digests = [digest_bytes(film.tobytes() + str(film.shape).encode()) for film in films]
        names = [f"{position:016x}" for position in range(len(films))]
        people = (
            list(patients) if patients is not None else [f"p{position}" for position in range(len(films))]
        )
        table = pd.DataFrame(
            {
                "image_id": names,
                "digest": digests,
                "patient_id": people,
                "split": "",
                "label": "",
                "caption": "",
            }
        )
        super().__init__(id, "REAL", table)
        self._films = dict(zip(names, films, strict=True))
        self.reads = 0

    def image(self, image_id: str) -> NDArray[Any]:
        self.reads += 1
        return self._films[image_id]


class CoarsePixels:
    """Features are an 8 x 8 average of the picture plus 1: fast, smooth, no weights."""

    def __init__(self, version: int = 1) -> None:
        self.id = "coarse-pixels"
        self.digest = digest_bytes(f"coarse pixels {version}".encode())
        self.dimension = 64
        self.input_size = 8
        self.resampling = "mean"
        self.embedded = 0

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        self.embedded += len(images)
        rows = [
            image.reshape(8, image.shape[0] // 8, 8, image.shape[1] // 8).mean(axis=(1, 3)).ravel() + 1.0
            for image in images
        ]
        return np.array(rows, dtype=np.float32).reshape(len(images), 64)


def blobs(seed: int, count: int, side: int = 64) -> list[NDArray[np.uint8]]:
    """Smooth random films (side, side), every one different: sums of a few broad Gaussians with a little noise."""
    rng = np.random.default_rng(seed)
    v, u = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
    films = []
    for _ in range(count):
        film = np.zeros((side, side))
        for _ in range(8):
            x, y, width, height = *rng.uniform(-0.8, 0.8, 2), rng.uniform(0.1, 0.4), rng.normal()
            film += height * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * width**2))
        film = (film - film.min()) / (film.max() - film.min()) * 230 + 10 + rng.normal(0, 1.5, film.shape)
        films.append(np.clip(film, 0, 255).astype(np.uint8))
    return films
