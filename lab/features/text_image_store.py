"""The towers of a text-image model as the feature store knows them: vectors by digest, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.provenance import digest_bytes, digest_json

if TYPE_CHECKING:
    from lab.features.store import FeatureStore


class TwoTowers(Protocol):
    """What the towers need of a text-image model, opened or not."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def digest(self) -> str:
        """SHA-256 over weights, settings and tokenizer."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def card(self) -> dict[str, Any]:
        """What `card.json` says; {} without one."""

    def embed_images(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of images."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of captions."""


class ImageTower:
    """The image side of a text-image model as a feature extractor."""

    resampling = "as the preprocessing of its folder says"

    def __init__(self, model: TwoTowers) -> None:
        self._model = model
        self.id = model.id
        self.digest = digest_json([model.digest, "image"])
        self.dimension = model.dimension
        self.input_size = int(model.card.get("input_size", 0))

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32."""
        return self._model.embed_images(images)


class TextTower:
    """The key of the text side: captions are stored by the digest of their text, never by their words."""

    def __init__(self, model: TwoTowers) -> None:
        self.id = f"{model.id}.text"
        self.digest = digest_json([model.digest, "text"])
        self.dimension = model.dimension


def text_vectors(model: TwoTowers, texts: Sequence[str], store: FeatureStore) -> NDArray[np.float32]:
    """Unit vectors (n, dimension) float32 of captions; those the store lacks are computed and kept."""
    key = TextTower(model)
    digests = [digest_bytes(text.encode()) for text in texts]
    known = dict(zip(digests, texts, strict=True))
    missing = store.missing(key, digests)
    if missing:
        store.put(key, missing, model.embed_texts([known[digest] for digest in missing]))
        store.compact(key)
    return store.matrix(key, digests)
