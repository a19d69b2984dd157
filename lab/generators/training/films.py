"""Films of a training run as arrays on disk: chunks of pixels, lesion masks and what is known about each film."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array, write_json
from lab.errors import DatasetError


@dataclass(frozen=True)
class Films:
    """Films of one split.

    Attributes:
        images: (n, size, size) uint8.
        lesions: (n, size, size) uint8, 1 inside a finding; zeros where nobody drew one.
        records: n dictionaries with caption, findings, patient_id and source ("phantom" or a dataset's id).
        twins: (n,) row of each film's counterfactual twin, its own row where it has none.
    """

    images: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    records: list[dict[str, Any]]
    twins: NDArray[np.int64]

    def sources(self) -> list[NDArray[np.int64]]:
        """The rows of each source, in the sources' alphabetical order."""
        names = np.array([record["source"] for record in self.records])
        return [np.flatnonzero(names == name) for name in sorted(set(names))]


def drawn_rows(films: Films, count: int, draw: Any) -> NDArray[np.int64]:
    """`count` rows drawn by a torch generator, the sources in turn: a large source does not drown a small one."""
    import torch

    sources = films.sources()
    shares = [count // len(sources) + (k < count % len(sources)) for k in range(len(sources))]
    rows = [
        rows[torch.randint(0, len(rows), (share,), generator=draw).numpy()]
        for rows, share in zip(sources, shares, strict=True)
    ]
    return np.concatenate(rows)


def write_chunk(
    folder: Path, name: str, images: NDArray[np.uint8], lesions: NDArray[np.uint8], rows: list[dict[str, Any]]
) -> None:
    """Write films (n, size, size) and their rows; the rows last, because they say that the chunk is whole."""
    write_array(folder / f"{name}.npy", np.stack([images, lesions]))
    write_json(folder / f"{name}.json", rows)


def has_chunk(folder: Path, name: str) -> bool:
    """Whether a chunk is there, whole."""
    return (folder / f"{name}.json").is_file()


def read_films(folder: Path, split: str) -> Films:
    """All films of a split, in a fixed order.

    Raises:
        DatasetError: when there is none.
    """
    images, lesions, records = [], [], []
    for file in sorted(folder.glob("*.json")):
        rows = json.loads(file.read_text(encoding="utf-8"))
        wanted = [k for k, row in enumerate(rows) if row["split"] == split]
        if wanted:
            pixels = read_array(file.with_suffix(".npy"), mmap=False)
            images.append(pixels[0, wanted])
            lesions.append(pixels[1, wanted])
            records += [rows[k] for k in wanted]
    if not records:
        raise DatasetError(f"No {split} films were rendered; nothing was trained; run the data stage first.")
    return Films(np.concatenate(images), np.concatenate(lesions), records, _twins(records))


def _twins(records: list[dict[str, Any]]) -> NDArray[np.int64]:
    keys = [(record["patient_id"], record["film"]) for record in records]
    first: dict[tuple[str, int], int] = {}
    twins = np.arange(len(records))
    for row, key in enumerate(keys):
        other = first.setdefault(key, row)
        if other != row:
            twins[row], twins[other] = other, row
    return twins
