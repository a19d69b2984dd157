"""Segmenters from their folders: loaded without running code, outlining images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import replacing, write_json
from lab.data.pixels import resize, to_grey8
from lab.errors import WeightsError
from lab.network_folders import CARD, WEIGHTS
from lab.provenance import digest_bytes, digest_file
from lab.segmentation.card import SegmenterCard, read_card
from lab.segmentation.network import build
from lab.segmentation.training import as_tensor

BATCH = 16


def as_seen(image: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """An image (H, W) or (H, W, 3), uint8 or uint16, as (size, size) uint8 grey, the whole of it squeezed."""
    return np.asarray(resize(to_grey8(image), size, "bilinear"), dtype=np.uint8)


class Segmenter:
    """A network and its card.

    Attributes:
        card: what is known of it.
        digest: of weights and what they mean.
    """

    def __init__(self, card: SegmenterCard, network: Any, digest: str) -> None:
        from lab.device import pick

        self.card = card
        self.digest = digest_bytes(f"{digest}:{card.size}:{card.values}".encode())
        self._device = pick()
        self._network = network.to(self._device).eval()

    def segment(self, images: Sequence[NDArray[Any]]) -> list[NDArray[np.uint8]]:
        """Label maps (H, W) uint8 of images of any sizes, with the mask values of the training dataset.

        Scores are brought to the image's size before the best class is taken, so borders are finer than the network's
        pixels.
        """
        import torch
        from torch.nn import functional

        values = np.asarray([0, *self.card.values], dtype=np.uint8)
        found = []
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                part = images[start : start + BATCH]
                seen = as_tensor(np.stack([as_seen(image, self.card.size) for image in part]))
                scores = self._network(seen.to(self._device)).float()
                for image, one in zip(part, scores, strict=True):
                    whole = functional.interpolate(
                        one[None], image.shape[:2], mode="bilinear", align_corners=False
                    )
                    found.append(values[whole[0].argmax(0).cpu().numpy()])
        return found


def open_segmenter(folder: Path) -> Segmenter:
    """Load a segmenter.

    Raises:
        WeightsError: when the weights are damaged or do not fit the card.
    """
    from lab.features.weights_file import read_state

    card = read_card(folder)
    network = build(card.widths, 1 + len(card.values))
    state, wanted = read_state(folder / WEIGHTS), network.state_dict()
    if state.keys() != wanted.keys() or any(state[name].shape != wanted[name].shape for name in wanted):
        raise WeightsError(
            "The weights of a segmenter do not fit its card; nothing was loaded; train it again."
        )
    network.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in state.items()})
    return Segmenter(card, network, digest_file(folder / WEIGHTS))


def write_segmenter(folder: Path, card: SegmenterCard, network: Any) -> Path:
    """Write weights, as half-precision numbers, and card; the card last: without it the weights do not count."""
    import torch
    from safetensors.torch import save_file

    tensors = {
        name: t.detach().cpu().to(torch.float16).contiguous() for name, t in network.state_dict().items()
    }
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_json(folder / CARD, card.to_json())
    return folder
