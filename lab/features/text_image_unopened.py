"""A text-image model that is known by its folder and opened at the first image or text.

Opening takes seconds; whether the store already has its vectors needs only its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotFoundError
from lab.features.text_image_folder import (
    CARD,
    CONFIG,
    PHANTOM,
    folder_of,
    model_digest,
    read_config,
    read_json,
)

if TYPE_CHECKING:
    from lab.features.text_image import TextImageModel


class UnopenedModel:
    """The id, digest, dimension and card of a text-image model, and its towers when they are asked.

    Args:
        name: of the model.

    Raises:
        NotFoundError: when its folder is not here.
        WeightsError: when its settings are damaged.
    """

    def __init__(self, name: str = PHANTOM) -> None:
        self._folder = folder_of(name)
        if not (self._folder / CONFIG).is_file():
            raise NotFoundError(
                f"The text-image model {name[:80]} is not here; nothing was loaded; train it or copy its folder."
            )
        card = self._folder / CARD
        self.card: dict[str, Any] = read_json(card) if card.is_file() else {}
        self.id = str(self.card.get("id") or name)
        self.digest = model_digest(self._folder)
        self.dimension = int(read_config(self._folder)["model_cfg"]["embed_dim"])

    @cached_property
    def opened(self) -> TextImageModel:
        """The model itself.

        Raises:
            WeightsError: when it is damaged.
        """
        from lab.device import pick
        from lab.features.text_image import open_text_image

        return open_text_image(self._folder, device=pick())

    def embed_images(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16."""
        return self.opened.embed_images(images)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of captions."""
        return self.opened.embed_texts(texts)
