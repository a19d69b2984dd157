"""How many planted copies are found among 1,000, 10,000 and 100,000 films, and what the search of one costs.

Films are drawn by a rule, so that a hundred thousand of them take minutes: broad Gaussian spots from a seed of their
own, every film another, 64 x 64. A fixed random projection of a film's gradients stands in for learned features:
like them it knows edges and loses copies that are blurred, and it costs nothing. Candidates are the union of the
200 nearest by features and the 200 nearest by low-resolution correlation, flips included; they are compared again
after registration.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = (1_000, 10_000, 100_000)
COPIES = 20
SIDE = 64
DIMENSION = 512
BLOCK = 2_000
Film = NDArray[np.uint8]


def film(number: int) -> Film:
    """Film `number`, (64, 64) uint8: a common chest-like frame and eight spots of its own."""
    rng = np.random.default_rng([7, number])
    axis = np.linspace(-1, 1, SIDE)
    x, y, width, height = (
        rng.uniform(-0.8, 0.8, 8),
        rng.uniform(-0.8, 0.8, 8),
        rng.uniform(0.08, 0.35, 8),
        rng.normal(size=8),
    )
    across = np.exp(-((axis[None] - x[:, None]) ** 2) / (2 * width[:, None] ** 2))
    down = np.exp(-((axis[None] - y[:, None]) ** 2) / (2 * width[:, None] ** 2))
    frame = np.exp(-((np.abs(axis[None]) - 0.45) ** 2) / 0.08) * (1 - 0.5 * axis[:, None] ** 2)
    picture = np.einsum("s,sy,sx->yx", height, down, across) + 1.5 * frame
    picture = (picture - picture.min()) / max(float(np.ptp(picture)), 1e-9) * 220 + 15
    return np.clip(picture + rng.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)


class Edges:
    """A stand-in for a feature extractor: a fixed random projection of gradient magnitudes, rectified."""

    id = "edges-projected"
    digest = "edges-projected-1"
    dimension = DIMENSION
    input_size = SIDE
    resampling = "none"

    @cached_property
    def _mixing(self) -> NDArray[np.float32]:
        return np.random.default_rng(11).normal(size=(2 * SIDE * SIDE, DIMENSION)).astype(np.float32) / SIDE

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, 512) float32."""
        stack = np.stack(images).astype(np.float32)
        parts = [np.abs(np.diff(stack, axis=axis, prepend=0)).reshape(len(stack), -1) for axis in (1, 2)]
        return np.maximum(np.concatenate(parts, axis=1) @ self._mixing, 0.0).astype(np.float32)


def recall(sizes: Sequence[int] = SIZES, copies: int = COPIES) -> Iterable[tuple[str, ...]]:
    """Rows of a table: for each size and kind, whether the source is the nearest film after re-ranking."""
    from lab.neighbours.canaries import THROUGH_VAE, kinds

    names = [name if name != THROUGH_VAE else "autoencoder-like blur" for name in kinds(_round_trip)]
    yield ("films", *names, "features alone, worst kind", "one search, ms")
    yield ("---",) * (len(names) + 3)
    with tempfile.TemporaryDirectory(prefix="doppel-bench-") as folder:
        for size in sizes:
            yield _row(Path(folder), size, copies)


def _row(folder: Path, size: int, copies: int) -> tuple[str, ...]:
    from lab.neighbours.canaries import kinds
    from lab.neighbours.detect import detect
    from lab.neighbours.reference import new_queries

    reference, rows = _reference(folder, size), np.linspace(0, size - 1, copies).astype(np.int64)
    cells, alone, spent, searched = [], [], 0.0, 0
    for number, alter in enumerate(kinds(_round_trip).values()):
        planted = [alter(film(int(row)), np.random.default_rng([3, number, int(row)])) for row in rows]
        queries = new_queries(planted, Edges())
        start = time.perf_counter()
        seen = detect(queries, reference, 1)
        spent, searched = spent + time.perf_counter() - start, searched + len(queries)
        cells.append(f"{(seen.by_pixels.rows[:, 0] == rows).mean():.0%}")
        alone.append(float((seen.by_features.rows[:, 0] == rows).mean()))
    return (f"{size:,}", *cells, f"{min(alone):.0%}", f"{1000 * spent / searched:.0f}")


def _round_trip(image: NDArray[Any]) -> NDArray[Any]:
    """What an 8-fold autoencoder keeps of a film, roughly: a quarter of its size, blurred, and back."""
    from scipy.ndimage import gaussian_filter, zoom

    small = gaussian_filter(zoom(image.astype(np.float32), 0.25, order=1), 0.5)
    return np.clip(np.rint(zoom(small, 4, order=1)), 0, 255).astype(image.dtype)


def _reference(folder: Path, size: int) -> Any:
    """The films as a reference whose rows lie in memory-mapped files."""
    from lab.features.unit import unit
    from lab.neighbours.lowres import LowResolution
    from lab.neighbours.reference import ReferenceSet

    spaces = {"features": (Edges(), unit), "lowres": (LowResolution(), np.asarray)}
    files = {
        name: np.lib.format.open_memmap(
            folder / f"{name}-{size}.npy", mode="w+", dtype=np.float32, shape=(size, source.dimension)
        )
        for name, (source, _) in spaces.items()
    }
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        films = [film(number) for number in range(start, stop)]
        for name, (source, change) in spaces.items():
            files[name][start:stop] = change(source.embed(films))
    ids = tuple(f"{number:016x}" for number in range(size))
    return ReferenceSet("bench", "train", "", ids, np.asarray(ids), ids, files["features"], files["lowres"])
