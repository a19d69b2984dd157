"""Pictures as the networks see them: grey, square, 8 bits, read once and kept beside the training."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array
from lab.data.pixels import resize, to_grey8
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

BATCH = 64
PLACE = "films"


def small(image: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """An image (H, W) or (H, W, 3), uint8 or uint16, as (size, size) uint8 grey, the whole of it squeezed."""
    return np.asarray(resize(to_grey8(image), size, "bilinear"), dtype=np.uint8)


def read_films(
    images: ImageSet, rows: Sequence[int], size: int, folder: Path
) -> Generator[tuple[int, int], None, NDArray[np.uint8]]:
    """Some images of a set, (n, size, size) uint8; yields (read, wanted).

    Finished films are kept in `folder`, so that a stopped run reads none of them again.
    """
    digests, ids = images.digests(), images.ids()
    path = folder / f"{digest_json([size, [digests[row] for row in rows]])[:24]}.npy"
    if path.is_file():
        yield len(rows), len(rows)
        return np.array(read_array(path))
    films = np.empty((len(rows), size, size), dtype=np.uint8)
    for done, row in enumerate(rows):
        films[done] = small(images.image(ids[row]), size)
        if done % BATCH == BATCH - 1:
            yield done + 1, len(rows)
    write_array(path, films)
    yield len(rows), len(rows)
    return films


def as_tensor(films: NDArray[np.uint8]) -> Any:
    """(n, S, S) uint8 as (n, 1, S, S) float32 in -1..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(films)).float()[:, None] / 127.5 - 1


def as_rgb(pictures: Iterable[NDArray[Any]], size: int) -> Any:
    """Images of any kind as (n, 3, size, size) float32 in 0..1, as the published network reads them."""
    import torch

    # The published code goes through 512 px first; both steps are Pillow's bilinear and bicubic filters.
    squares = [resize(resize(to_grey8(image), 512, "bicubic"), size, "bilinear") for image in pictures]
    stack = torch.from_numpy(np.stack(squares)).float()[:, None] / 255.0
    return stack.expand(-1, 3, -1, -1)
