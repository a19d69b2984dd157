"""LPIPS (Zhang et al., CVPR 2018, arXiv 1801.03924), version 0.1 on VGG-16: how alike two images look.

Activations of five blocks are scaled to unit length at every place; the squares of their differences are weighted by
heads fitted to people's judgements and averaged over the image. 0 for equal images. Images are compared at 64 px, the
size of the patches the heads were fitted on. It compares pairs, so it has no features to be stored or searched by:
it measures candidates that other spaces found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU, pick
from lab.errors import WeightsError
from lab.features.loaded import prepare
from lab.features.places import check_weights, find, state
from lab.features.record import ExtractorRecord
from lab.features.weights_file import read_state
from lab.provenance import digest_json

if TYPE_CHECKING:
    import torch

NAME = "lpips-vgg16"
FLAG_BELOW = 0.05
BACKBONE, HEADS = "vgg16-397923af.pth", "vgg.pth"
RECORD = ExtractorRecord(
    id=NAME,
    title="LPIPS on VGG-16",
    family="lpips",
    layer="pairs",
    dimension=0,
    input_size=64,
    resampling="torch-bilinear-antialias",
    value_range=(-1.0, 1.0),
    mean=(-0.030, -0.088, -0.188),
    std=(0.458, 0.448, 0.450),
    weights={
        BACKBONE: "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        HEADS: "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    },
    licence="BSD-3-Clause (torchvision), BSD-2-Clause (LPIPS)",
    gate="the first file is torchvision's, the second lies in the package lpips 0.1.4 under weights/v0.1",
)
# Convolutions of VGG-16 in torchvision's numbering, block by block; all blocks but the first begin with a pooling.
BLOCKS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_LEAST = 1e-10


def why_not() -> str:
    """Why LPIPS cannot be measured here, as one sentence; "" when it can."""
    return state(RECORD)


def installed_digest() -> str:
    """Digest of weights and preprocessing; "none" where the weights are not here."""
    return "none" if why_not() else digest_json(RECORD.to_json())


class Perceptual:
    """LPIPS, loaded at the first pair.

    Args:
        record: where the weights lie, with their digests, and what the network sees.
        device: None takes the best there is.
    """

    def __init__(self, record: ExtractorRecord = RECORD, device: str | None = None) -> None:
        self.record = record
        self._device = device or pick()
        self._state: dict[str, torch.Tensor] = {}

    def distances(
        self, image: NDArray[Any], others: Sequence[NDArray[Any]], batch: int = 8
    ) -> NDArray[np.float64]:
        """LPIPS (n,) of an image and others, each (H, W) or (H, W, 3), uint8 or uint16.

        Raises:
            WeightsError: when the weights are missing, damaged, or not those of this record.
            ImageError: for an image of another kind.
        """
        import torch

        out = np.empty(len(others))
        with torch.inference_mode():
            mine = self._activations([image])
            for start in range(0, len(others), batch):
                theirs = self._activations(others[start : start + batch])
                out[start : start + batch] = self._compared(mine, theirs)
        return out

    def _compared(self, mine: list[torch.Tensor], theirs: list[torch.Tensor]) -> NDArray[np.float64]:
        total: Any = 0.0
        for number, (one, two) in enumerate(zip(mine, theirs, strict=True)):
            weighted = (one - two).square() * self._weights()[f"lin{number}.model.1.weight"]
            total = total + weighted.sum(dim=1).mean(dim=(1, 2))
        return np.asarray(total.double().to(CPU).numpy())

    def _activations(self, images: Sequence[NDArray[Any]]) -> list[torch.Tensor]:
        """Unit activations (n, channels, h, w) of every block."""
        from torch.nn import functional as F

        weights, found = self._weights(), []
        values = prepare(self.record, images, self._device)
        for number, block in enumerate(BLOCKS):
            values = F.max_pool2d(values, 2) if number else values
            for layer in block:
                name = f"features.{layer}"
                values = F.relu(
                    F.conv2d(values, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)
                )
            found.append(values / (values.square().sum(dim=1, keepdim=True).sqrt() + _LEAST))
        return found

    def _weights(self) -> dict[str, torch.Tensor]:
        if not self._state:
            place = find(self.record)
            check_weights(self.record, place)
            whole = {
                name: value for path in place.weights.values() for name, value in read_state(path).items()
            }
            self._state = {name: whole[name].to(self._device) for name in _checked(whole)}
        return self._state


def _checked(whole: dict[str, torch.Tensor]) -> list[str]:
    """The names that are needed, when each is there in a shape that fits the one before.

    Raises:
        WeightsError: otherwise.
    """
    names, channels = [], 3
    for number, block in enumerate(BLOCKS):
        for layer in block:
            weight, bias = whole.get(f"features.{layer}.weight"), whole.get(f"features.{layer}.bias")
            if weight is None or bias is None or tuple(weight.shape[1:]) != (channels, 3, 3):
                raise _unfit(BACKBONE)
            channels = len(weight)
            names += [f"features.{layer}.weight", f"features.{layer}.bias"]
        head = f"lin{number}.model.1.weight"
        if head not in whole or tuple(whole[head].shape) != (1, channels, 1, 1):
            raise _unfit(HEADS)
        names.append(head)
    return names


def _unfit(file: str) -> WeightsError:
    return WeightsError(
        f"The weights file {file} does not hold what LPIPS on VGG-16 needs; nothing was computed; copy it again."
    )
