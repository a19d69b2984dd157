"""A feature extractor made of a record: its preprocessing, its network, its checks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU, free_memory, is_host, pick
from lab.errors import WeightsError, out_of_memory
from lab.features.extractor import as_grey8, as_rgb8
from lab.features.loaders import LOADERS, Network
from lab.features.places import check_weights, find, weights_digest
from lab.features.record import ExtractorRecord
from lab.features.resize import to_square
from lab.features.side_by_side import side_by_side, sides

if TYPE_CHECKING:
    import torch

# A record's micro-batch suits a processor's caches; an accelerator would wait for its kernels to be asked for.
ON_ACCELERATOR = 16


class LoadedExtractor:
    """Features of images as a record describes them; the weights are read at the first `embed`.

    Args:
        record: everything the features depend on.
        device: what computes; None asks `lab.device.pick`.
    """

    def __init__(self, record: ExtractorRecord, device: str | None = None) -> None:
        self.record = record
        self.id = record.id
        self.dimension = record.dimension
        self.input_size = record.input_size
        self.resampling = record.resampling_words
        self._device = device
        self._network: Network | None = None
        self._at_a_time = ON_ACCELERATOR

    @cached_property
    def digest(self) -> str:
        """SHA-256 over weights, layer and preprocessing.

        Raises:
            WeightsError: when the weights are not on this machine.
        """
        return self.record.digest_with(weights_digest(self.record, find(self.record)))

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16, of any sizes.

        Raises:
            ImageError: for an image of another type or shape.
            WeightsError: when the weights are missing, damaged, or not those of this record.
        """
        device = self._device or pick()
        network, step = self._load(device), self.micro_batch(device)
        try:
            return self._embedded(network, images, device, step)
        except RuntimeError as error:
            if not out_of_memory(error) or step == self.record.batch:
                raise
        self._at_a_time = 1
        free_memory()
        return self._embedded(network, images, device, self.micro_batch(device))

    def micro_batch(self, device: str) -> int:
        """Images that go through the network at a time; once memory has run out, as few as on a processor."""
        return self.record.batch * (1 if is_host(device) else self._at_a_time)

    def _embedded(
        self, network: Network, images: Sequence[NDArray[Any]], device: str, step: int
    ) -> NDArray[np.float32]:
        import torch

        parts = [images[start : start + step] for start in range(0, len(images), step)]

        def features(part: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
            with torch.inference_mode():  # a setting of each thread
                return self._checked(network, prepare(self.record, part, device))

        at_once = sides(torch.get_num_threads(), len(parts)) if is_host(device) else 1
        found = side_by_side(features, parts, at_once)
        return np.concatenate(found) if found else np.empty((0, self.dimension), dtype=np.float32)

    def _checked(self, network: Network, batch: torch.Tensor) -> NDArray[np.float32]:
        """What the network says, when it has the shape that the record states."""
        try:
            found = network(batch).float().to(CPU).numpy()
        except RuntimeError as error:
            if out_of_memory(error):
                raise
            raise WeightsError(
                f"The weights do not fit the network of {self.record.title}; nothing was computed; copy them again."
            ) from error
        if found.shape != (len(batch), self.dimension) or not np.isfinite(found).all():
            raise WeightsError(
                f"{self.record.title} gave {found.shape[-1]} numbers an image or numbers that are not finite, where "
                f"its record says {self.dimension}; nothing was kept; correct the record."
            )
        if self.record.unit:
            found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return np.asarray(found, dtype=np.float32)

    def _load(self, device: str) -> Network:
        if self._network is None:
            place = find(self.record)
            check_weights(self.record, place)
            self._network = LOADERS.get(self.record.family)(self.record, place, device)
        return self._network


def prepare(record: ExtractorRecord, images: Sequence[NDArray[Any]], device: str) -> torch.Tensor:
    """What the network of a record sees: (n, channels, size, size) float32 on `device`, normalised.

    Raises:
        ImageError: for an image of another type or shape.
    """
    import torch

    # A grey film would have three equal planes: one is resized.
    grey = record.channels == "rgb" and all(image.ndim == 2 for image in images)
    as_levels = as_rgb8 if record.channels == "rgb" and not grey else as_grey8
    levels = [as_levels(image) for image in images]
    batch = to_square(levels, record.input_size, device, record.resampling, record.fit, record.resize_to)
    planes = 3 if grey else batch.shape[1]
    n, _, height, width = batch.shape
    out = torch.empty((n, height, width, planes), device=batch.device)
    for channel in range(planes):
        out[..., channel] = batch[:, 0 if grey else channel]
    # Mean and SD repeated over a row: one long loop of equal steps, where a loop over channels has three at a time.
    mean, std = (
        torch.tensor(values, dtype=torch.float32, device=batch.device).expand(planes).repeat(width)
        for values in (record.levels_mean, record.levels_std)
    )
    out.view(n * height, width * planes).sub_(mean).div_(std)
    return out.permute(0, 3, 1, 2)
