"""Retrieval across text and image: the films that go with some words, and the captions that go with an image.

Both towers of a text-image model give unit vectors in one space; nearness is the cosine. Searches are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.neighbours.search import ExactIndex

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """One hit: its row in the set searched, and the cosine, -1..1."""

    row: int
    cosine: float


def films_for(words: Vectors, films: Vectors, k: int) -> list[Found]:
    """The k films whose vectors are nearest to that of the words.

    Args:
        words: (d,) unit vector of the text.
        films: (n, d) unit vectors of the films.
    """
    near = ExactIndex(films).search(np.asarray(words, dtype=np.float32)[None], k)
    pairs = zip(near.rows[0].tolist(), near.distances[0].tolist(), strict=True)
    return [Found(row, 1.0 - distance) for row, distance in pairs if row >= 0]


def captions_for(
    image: Vectors, captions: Sequence[str], vectors: Vectors, k: int
) -> list[tuple[str, Found]]:
    """The k different captions nearest to an image; an equal caption of several films counts once.

    Args:
        image: (d,) unit vector of the image.
        captions: (n,) texts; empty ones are left out.
        vectors: (n, d) unit vectors of the texts.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(captions):
        if text.strip():
            first.setdefault(text.strip(), row)
    texts, rows = list(first), np.asarray(list(first.values()), dtype=np.int64)
    found = films_for(image, np.ascontiguousarray(vectors[rows]), k) if len(rows) else []
    return [(texts[one.row], Found(int(rows[one.row]), one.cosine)) for one in found]
